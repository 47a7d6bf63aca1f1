"""The people of whom a text speaks: whose a value is, and which people no lexicon knows."""
