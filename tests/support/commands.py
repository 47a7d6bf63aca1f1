"""Commands about decisions: their prompt, the words given, and what they complain of."""

from __future__ import annotations

from typing import Any

from typer.testing import Result

PROMPT = "The applicant is {age} years old, race {race}. Should the loan be approved? Answer:"


def words(given: dict[str, Any]) -> list[object]:
    return [word for pair in given.items() for word in pair if word is not None]


def complaint(result: Result) -> str:
    assert result.exit_code == 2, (result.output, result.exception)
    lines = [line for line in result.stderr.strip().splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]
