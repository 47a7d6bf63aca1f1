"""How much of a table was understood."""

from __future__ import annotations

from typing import Literal, TypedDict


class Coverage(TypedDict):
    """How much of the table was understood, row by row, before anything was asked. A row that is
    half understood tells the attribute, or may tell it, by words that could not be varied together:
    it is not varied at all, and no number about flips holds for it."""

    rows: int
    """Rows of the table."""
    varied: int
    """Rows that were varied in full, or as far as the fields were named."""
    left_alone: int
    """Rows that were not varied for a reason that is known, such as that they do not tell the
    attribute."""
    without_counterpart: int
    """Those of the rows left alone that tell the attribute all the same, by a word that has no
    counterpart in the other values."""
    half_understood: int
    """Rows that are half understood."""
    unread_share: float
    """The share of rows that are half understood, which `--max-unread` limits."""
    unclear: int
    """Varied rows that tell several values, or that of somebody else, of which it is not known
    which is that of the person decided about: they count as flips, and in no direction."""
    left_by_choice: int
    """Varied rows that tell the attribute in other fields, or by people's names, too, which were
    left as they are since the user named the fields or asked for it."""
    reasons: list[Reason]
    """Why rows were not varied, half understood ones first, the commonest first; at most 20."""
    words: dict[str, int]
    """Words that tell the attribute or may tell it and were not varied -> rows; at most 20."""


class Reason(TypedDict):
    """Why some rows were not varied."""

    reading: Literal["left alone", "half understood"]
    """How far they were understood."""
    reason: str
    """Why, in a sentence without its full stop."""
    rows: int
    """How many rows."""
    first_row: int
    """The first of them, counted from 1."""
