"""What the head of the page says of how far the table was understood, and who was answered."""

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


def unequally_answered(
    summary: schema.Summary,
) -> tuple[str, schema.Interval, str, schema.Interval] | None:
    """The group that the judge as it stands answers most and the one that it answers least, with
    their rates, where a test says that this is no chance; None elsewhere."""
    grouping = w.lead(summary)
    found = []
    for name in grouping["groups"]:
        group = summary["groups"][name]
        if "by_rule" in group:
            found.append((name, group["by_rule"]["none"]))
    ranked = sorted(found, key=lambda pair: pair[1]["answer_rate"]["value"] or 0.0)
    if len(ranked) < 2:
        return None
    tests = [one["answer_p_adjusted"] for _, one in ranked]
    known = [p for p in tests if p is not None]
    gap = w.span(grouping["outcome_gaps"]["answer_rate"]["none"])
    if known and min(known) >= w.alpha(summary):
        return None
    if not known and (gap is None or gap[1] <= 0):
        return None
    (low, less), (high, more) = ranked[0], ranked[-1]
    return high, more["answer_rate"], low, less["answer_rate"]


def answering(summary: schema.Summary) -> str:
    """Whether groups are answered unequally often, in a sentence; empty where that is not shown."""
    found = unequally_answered(summary)
    if found is None:
        return ""
    high, more, low, less = found
    one, other = w.span(more), w.span(less)
    if one is None or other is None or one[0] - other[0] < w.CLOSE:
        return ""
    gap = w.span(w.lead(summary)["outcome_gaps"]["answer_rate"]["none"])
    reach = "" if gap is None else f", a gap of {w.size(gap[0])} points ({w.between(gap, w.size)})"
    return (
        f"Groups by {w.lead(summary)['name']} are answered unequally often: “{high}” in "
        f"{w.share(one[0])} of the rows, “{low}” in {w.share(other[0])}{reach}. Not being answered "
        f"is an outcome, too."
    )
