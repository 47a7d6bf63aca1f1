"""The key numbers at the head of the page."""

from __future__ import annotations

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.fairness.report.reading import varied_tiles
from leanfair.fairness.report.story import per_decision
from leanfair.html import formats as f
from leanfair.html.page import Tile


def tiles(summary: schema.Summary) -> list[Tile]:
    """The key numbers, before and after the rule that is shown."""
    rule = w.shown_rule(summary)
    parity = w.lead(summary)
    return [
        _flips(summary),
        _pair(
            "Parity gap, points", parity["metrics"]["demographic_parity_difference"], rule, w.size,
            f"by {parity['name']}",
        ),
        *_accuracy(summary, rule),
        *varied_tiles(summary),
        _unanswered(summary),
        _passes(summary, rule),
    ]  # fmt: skip


def _accuracy(summary: schema.Summary, rule: str | None) -> list[Tile]:
    if summary["settings"]["label"] is None:
        return [Tile("Accuracy", "not asked", note="no label says what is right")]
    return [_pair("Accuracy, points", summary["metrics"]["accuracy"], rule, w.share)]


def _flips(summary: schema.Summary) -> Tile:
    label = "Decisions that flip"
    if summary["attribute"] is None:
        return Tile(label, "not asked", note="no attribute was named")
    rate = w.span(summary["metrics"]["flip_rate"]["none"])
    if rate is None:
        return Tile(label, "unknown", note="see the headline")
    placebo = w.span(summary["flips"]["placebo"]["flip_rate"])
    note = "no placebo" if placebo is None else f"placebo {w.share(placebo[0])}"
    return Tile(label, w.share(rate[0]), note=f"{w.between(rate, w.share)}; {note}")


def _pair(label: str, by_rule: schema.ByRule, rule: str | None, form: w.Form, by: str = "") -> Tile:
    before = w.span(by_rule["none"])
    after = None if rule is None else w.span(by_rule[rule])
    if before is None and after is None:
        return Tile(label.split(",")[0], "unknown", note="too few answers")
    note = ", ".join(filter(None, [by, f"rule {rule}" if rule else ""]))
    if before is not None and rule is None:
        return Tile(label.split(",")[0], form(before[0]), note=_also(w.between(before, form), by))
    old = f.DASH if before is None else form(before[0])
    new = f.DASH if after is None else form(after[0])
    change = "unknown"
    if before is not None and after is not None:
        change = f.signed(round(100 * after[0], 1) - round(100 * before[0], 1), 1)
    return Tile(label, change, old, new, note)


def _also(words: str, more: str) -> str:
    return f"{words}, {more}" if more else words


def _unanswered(summary: schema.Summary) -> Tile:
    counts = summary["outcomes"]["none"]
    refused, unparsed, failed = counts["refused"], counts["unparsed"], counts["failed"]
    silent = summary["n"] - counts["answered"]
    note = f"{refused:,} refused, {unparsed:,} unparsed"
    if failed:
        note = f"{refused:,} refused, {unparsed:,} unp., {failed:,} failed"
    return Tile("No answer", w.share(silent / summary["n"]), note=note)


def _passes(summary: schema.Summary, rule: str | None) -> Tile:
    label, before = "Passes per decision", per_decision(summary, "none")
    if not summary["forward_passes"]:
        return Tile(label, "none", note="decisions that exist")
    if rule is None:
        return Tile(label, before, note="forward passes")
    after = per_decision(summary, rule)
    return Tile(label, f"{after}×", before, after, f"rule {rule}")
