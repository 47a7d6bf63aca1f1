"""From what an audit found to its pictures: which numbers go into which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.fairness.report.charts import Dot, Row, Spot, frontier_chart, rows_chart
from leanfair.fairness.report.rows import members
from leanfair.fairness.report.story import Favour, per_decision
from leanfair.html.formats import DASH

PAIRS = 12
"""So many pairs of values are drawn; the table has all."""


def _dot(interval: schema.Interval, form: w.Form, shape: str, style: str, prefix: str = "") -> Dot:
    span = w.span(interval)
    if span is None:
        return Dot(None, f"{prefix}{w.UNKNOWN}", DASH, shape, style)
    words = f"{prefix}{form(span[0])} ({w.between(span, form)})"
    return Dot(span, words, form(span[0]), shape, style)


def rates_chart(summary: schema.Summary, width: float, identity: str, style: str) -> Markup | None:
    """The flip rate beside that of the placebo."""
    placebo = summary["flips"]["placebo"]["flip_rate"]
    flips = summary["metrics"]["flip_rate"]["none"]
    if w.span(flips) is None:
        return None
    rows = [Row(f"{w.attribute(summary)} changed", (_dot(flips, w.share, "circle", "layer"),))]
    if w.span(placebo):
        dot = _dot(placebo, w.share, "diamond", "plain")
        rows.append(Row("placebo changed", (dot,)))
    about = " ".join(f"{row.label}: {row.dots[0].words}." for row in rows)
    return rows_chart(
        rows, width, identity, style,
        title="Flip rate beside the placebo’s", about=about, axis="rows whose decision changes",
    )  # fmt: skip


def pairs_chart(
    found: tuple[schema.Summary, Sequence[Favour]], width: float, identity: str, style: str
) -> Markup | None:
    """Signed flips, the greatest first."""
    summary, pairs = found
    shown = [pair for pair in pairs if pair.gain is not None][:PAIRS]
    if not shown:
        return None
    alpha = w.alpha(summary)
    rows = []
    for pair in shown:
        gain = pair.gain
        assert gain is not None
        words = f"{w.points(gain[0])} ({w.between(gain, w.points)})"
        kind = "layer" if pair.holds(alpha) else "layer lost"
        dot = Dot(gain, words, w.points(gain[0]), "circle", kind)
        rows.append(Row(f"{pair.loser} → {pair.gainer}", (dot,)))
    about = " ".join(f"{row.label}: {row.dots[0].words} points." for row in rows)
    favourable = summary["settings"]["favourable"]
    return rows_chart(
        rows, width, identity, style, title="Signed flips by pair of values", about=about,
        axis=f"more often “{favourable}”, points", sign=True,
    )  # fmt: skip


def groups_chart(
    found: tuple[schema.Summary, schema.Grouping, str | None],
    width: float,
    identity: str,
    style: str,
) -> Markup | None:
    """The selection rate of each group, before and after the rule."""
    summary, grouping, rule = found
    rows = []
    for name, group in sorted(members(summary, grouping), key=lambda pair: not pair[1]["in_ratio"]):
        dots = [_dot(group["by_rule"]["none"]["selection_rate"], w.share, "circle", "start")]
        if rule is not None:
            after = group["by_rule"][rule]["selection_rate"]
            dots.append(_dot(after, w.share, "circle", "neurons"))
        rows.append(Row(name, tuple(dots), not group["in_ratio"]))
    if not any(dot.span for row in rows for dot in row.dots):
        return None
    about = " ".join(f"{row.label}: {', then '.join(d.words for d in row.dots)}." for row in rows)
    return rows_chart(
        rows, width, identity, style, title=f"Selection rate by {grouping['name']}", about=about,
        axis="selection rate",
    )  # fmt: skip


def parts_chart(
    decomposition: Mapping[str, schema.GapParts], width: float, identity: str, style: str
) -> Markup | None:
    """Each gap as a bar, and below it the part of the stated attribute and the rest, which go on
    from each other."""
    rows = []
    for name, found in decomposition.items():
        gap, direct, rest = w.span(found["gap"]), w.span(found["direct"]), w.span(found["rest"])
        label = f"{name} less {found['reference']}"
        if gap is None:
            continue
        dots = [_bar(gap, 0.0, "gap", "kept")]
        if direct is None or rest is None:
            dots.append(Dot(None, "parts not known", DASH))
        else:
            dots.append(_bar(direct, 0.0, "stated", "removable"))
            dots.append(_bar(rest, direct[0], "the rest", "stays"))
        rows.append(Row(label, tuple(dots)))
    if not rows:
        return None
    about = " ".join(f"{row.label}: {', '.join(dot.words for dot in row.dots)}." for row in rows)
    return rows_chart(
        rows, width, identity, style, title="Gaps and their parts", about=about,
        axis="gap in selection rate, points", sign=True,
    )  # fmt: skip


def _bar(span: w.Span, base: float, name: str, style: str) -> Dot:
    words = f"{name} {w.points(span[0])} ({w.between(span, w.points)})"
    moved = (span[0] + base, span[1] + base, span[2] + base)
    return Dot(moved, words, w.points(span[0]), "square", style, base)


def spots(summary: schema.Summary, grouping: schema.Grouping) -> list[Spot]:
    """Rules as marks of the frontier; those that decide alike in one."""
    parity = grouping["metrics"]["demographic_parity_difference"]
    found: list[Spot] = []
    for rule in summary["rules"]:
        gap, accuracy = w.span(parity[rule]), w.span(summary["metrics"]["accuracy"][rule])
        if gap is None or accuracy is None:
            continue
        passes = summary["forward_passes_by_rule"][rule] / summary["n"]
        words = (
            f"{w.titled(rule)}: gap {w.size(gap[0])} points ({w.between(gap, w.size)}), accuracy "
            f"{w.share(accuracy[0])} ({w.between(accuracy, w.share)}), "
            f"{per_decision(summary, rule)} forward passes a decision."
        )
        spot = Spot((rule,), gap, accuracy, passes, rule == w.shown_rule(summary), words)
        twin = next((one for one in found if _same(one, spot)), None)
        if twin is None:
            found.append(spot)
        else:
            found[found.index(twin)] = Spot(
                (*twin.rules, rule), twin.gap, twin.accuracy, twin.passes,
                twin.audited or spot.audited, f"{twin.words} {words}",
            )  # fmt: skip
    return found


def _same(one: Spot, other: Spot) -> bool:
    near = abs(one.gap[0] - other.gap[0]) + abs(one.accuracy[0] - other.accuracy[0]) < w.CLOSE
    return near and abs(one.passes - other.passes) < 0.05


def frontier(
    found: tuple[schema.Summary, schema.Grouping], width: float, identity: str, style: str
) -> Markup | None:
    """The frontier of all rules whose gap and accuracy are known."""
    known = spots(*found)
    return frontier_chart(known, width, identity, style) if known else None
