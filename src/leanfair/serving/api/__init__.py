"""The two ways to ask by program: `/v1/decisions`, and what any client of OpenAI's speaks."""
