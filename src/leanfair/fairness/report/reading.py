"""What the head of the page says of how far the table was understood."""

from __future__ import annotations

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.html.page import Tile

FEW = 0.05
"""The share of half understood rows from which on the headline speaks of them."""


def unread_clause(summary: schema.Summary) -> str:
    """What a headline says of rows that were not read, where they are more than a few."""
    coverage = summary["coverage"]
    if coverage is None or coverage["unread_share"] <= FEW:
        return ""
    return f"; but {w.share(coverage['unread_share'])} of the rows were only half understood"


def varied_tiles(summary: schema.Summary) -> list[Tile]:
    """How many rows were varied in full, where an attribute was named."""
    found = summary["coverage"]
    if found is None:
        return []
    note = f"{found['left_alone']:,} left alone, {found['half_understood']:,} half understood"
    return [Tile("Varied in full", w.share(found["varied"] / found["rows"]), note=note)]
