"""Slow, plain ways to the same answers: what the library is held against."""
