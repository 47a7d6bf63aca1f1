"""What an audit found, as rows of tables: groups, pairs of values, rules, and how it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.fairness.report.story import Favour, per_decision
from leanfair.html import formats as f

Unanswered: TypeAlias = Literal["refused", "unparsed", "abstained", "failed"]
STATUSES: tuple[Unanswered, ...] = ("refused", "unparsed", "abstained", "failed")
METRICS: dict[schema.SummaryMetricName, str] = {
    "accuracy": "Accuracy",
    "accuracy_among_answered": "Accuracy among answered",
    "demographic_parity_difference": "Demographic parity difference",
    "equal_opportunity_difference": "Equal opportunity difference",
    "average_odds_difference": "Average odds difference",
    "equalized_odds_difference": "Equalized odds difference",
    "demographic_parity_ratio": "Demographic parity ratio",
    "flip_rate": "Flip rate",
}
OF_LABELS = {
    "accuracy",
    "accuracy_among_answered",
    "equal_opportunity_difference",
    "average_odds_difference",
    "equalized_odds_difference",
}
"""Metrics that are not shown where no label says what is right."""
MEANING: dict[schema.SummaryMetricName, str] = {
    "accuracy": "as the label says; no answer counts as wrong",
    "demographic_parity_difference": "highest less lowest selection rate",
    "equal_opportunity_difference": "the same among those who merit it",
    "average_odds_difference": "mean over true and false positives",
    "equalized_odds_difference": "the larger of both",
    "demographic_parity_ratio": "lowest over highest selection rate",
    "flip_rate": "of what was varied",
}
THUMB: dict[schema.FourFifths, str] = {
    "below": "below 0.80",
    "not below": "0.80 or more",
    "open": "undecided",
}


@dataclass(frozen=True)
class Cell:
    """A number, its interval and a remark below it; `style` is a class. `why` there is none."""

    value: str
    interval: str = ""
    gain: str = ""
    gain_interval: str = ""
    style: str = ""
    why: str = ""


@dataclass(frozen=True)
class GroupRow:
    """One line of the table of groups."""

    name: str
    n: str
    share: str
    counts: tuple[str, ...]
    selected: Cell
    ratio: Cell
    thumb: str
    p: str
    adjusted: str
    answered: Cell
    answered_p: str
    scored: Cell
    aside: bool = False


@dataclass(frozen=True)
class RuleTable:
    """Every metric of one grouping under every rule. `notes`: why some are not known."""

    rules: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    passes: tuple[str, ...]
    notes: tuple[str, ...]


def members(summary: schema.Summary, grouping: schema.Grouping) -> list[tuple[str, schema.Group]]:
    """The groups of a grouping that have rates, those too small for a ratio last."""
    found = []
    for name in grouping["groups"]:
        group = summary["groups"][name]
        if "by_rule" in group:
            found.append((name, group))
    return sorted(found, key=lambda pair: not pair[1]["in_ratio"])


def statuses(summary: schema.Summary, rule: str) -> list[Unanswered]:
    """The outcomes without an answer that a table shows: refused and unparsed always."""
    counts = summary["outcomes"][rule]
    return [one for one in STATUSES if one in ("refused", "unparsed") or counts[one]]


def group_rows(summary: schema.Summary, grouping: schema.Grouping, rule: str) -> list[GroupRow]:
    """The table of groups under a rule, those too small for a ratio last."""
    columns = statuses(summary, rule)
    rows = [_group_row(name, found, rule, columns) for name, found in members(summary, grouping)]
    blank = tuple(f.DASH for _ in columns)
    none = Cell(f.DASH)
    for name in grouping["alone"]:
        rows.append(GroupRow(
            name, "1", f.DASH, blank, Cell(f.DASH, why="one row: no rate follows from it"),
            none, f.DASH, f.DASH, f.DASH, none, f.DASH, none, True,
        ))  # fmt: skip
    if grouping["unknown"]:
        rows.append(GroupRow(
            "unknown", f.exact(grouping["unknown"]), f.DASH, blank, none, none, f.DASH, f.DASH,
            f.DASH, none, f.DASH, none, True,
        ))  # fmt: skip
    return rows


def _group_row(
    name: str, found: schema.Group, rule: str, columns: Sequence[Unanswered]
) -> GroupRow:
    own = found["by_rule"][rule]
    ratio = cell(own["impact_ratio"], ratio_form)
    if not found["in_ratio"]:
        ratio = Cell("set aside", "", why=w.reason(own["impact_ratio"]))
    return GroupRow(
        name=name,
        n=f.exact(found["n"]),
        share=w.share(found["share"]),
        counts=tuple(f.exact(own[status]) for status in columns),
        selected=cell(own["selection_rate"], w.share),
        ratio=ratio,
        thumb=_thumb(own),
        p=w.p_value(own["p"]),
        adjusted=w.p_value(own["p_adjusted"]),
        answered=cell(own["answer_rate"], w.share),
        answered_p=w.p_value(own["answer_p_adjusted"]),
        scored=cell(own["scoring_rate"], w.share),
        aside=not found["in_ratio"],
    )


def _thumb(own: schema.GroupOutcome) -> str:
    if own["impact_ratio"]["value"] == 1.0:
        return "highest rate"
    return f.DASH if own["four_fifths"] is None else THUMB[own["four_fifths"]]


def cell(interval: schema.Interval, form: w.Form) -> Cell:
    """A number with its interval below it; why there is none."""
    span = w.span(interval)
    if span is None:
        return Cell(f.DASH, why=w.reason(interval))
    return Cell(form(span[0]), w.between(span, form))


def ratio_form(value: float) -> str:
    """A ratio in two digits."""
    return f"{value:.2f}"


def rule_table(summary: schema.Summary, grouping: schema.Grouping) -> RuleTable:
    """Every metric under every rule, with the paired gain over no rule."""
    metrics: dict[schema.SummaryMetricName, schema.ByRule] = {
        **summary["metrics"],
        **dict(grouping["metrics"].items()),
    }
    gains: dict[str, schema.ByRule] = {
        **dict(summary["gains"].items()),
        **dict(grouping["gains"].items()),
    }
    rows, reasons = [], []
    for name, label in METRICS.items():
        if name == "flip_rate" and summary["attribute"] is None:
            continue
        if name in OF_LABELS and summary["settings"]["label"] is None:
            continue
        cells = tuple(
            _metric_cell(name, metrics[name][rule], gains.get(name, {}).get(rule))
            for rule in summary["rules"]
        )
        reasons += [
            f"{label}, {w.titled(rule)}: {one.why}"
            for rule, one in zip(summary["rules"], cells, strict=True)
            if one.why
        ]
        rows.append((label, MEANING.get(name, ""), cells))
    return RuleTable(
        tuple(summary["rules"]), tuple(rows),
        tuple(per_decision(summary, rule) for rule in summary["rules"]), tuple(_joined(reasons)),
    )  # fmt: skip


def _joined(reasons: Sequence[str]) -> list[str]:
    """Reasons, each once, with all that it holds for."""
    found: dict[str, list[str]] = {}
    for one in reasons:
        what, why = one.split(": ", 1)
        found.setdefault(why, []).append(what)
    return [f"{why[:1].upper()}{why[1:]} ({_what(what)})." for why, what in found.items()]


def _what(named: Sequence[str]) -> str:
    return "; ".join(named) if len(named) < 4 else f.plural(len(named), "number")


def _metric_cell(name: str, interval: schema.Interval, gain: schema.Interval | None) -> Cell:
    form = metric_form(name)
    one, better = cell(interval, form), None if gain is None else w.span(gain)
    if name == "flip_rate" and w.span(interval) == (0.0, 0.0, 0.0):
        return Cell(one.value, "by construction")
    if better is None or one.why:
        return one
    style = "won" if better[1] > 0 else "worse" if better[2] < 0 else ""
    gained, reach = w.points(better[0]), w.between(better, w.points)
    return Cell(one.value, one.interval, gained, reach, style)


def metric_form(name: str) -> w.Form:
    """How a metric is written: differences in points, ratios as they are, rates in percent."""
    return w.size if name.endswith("_difference") else ratio_form if "ratio" in name else w.share


def pair_rows(pairs: Sequence[Favour], alpha: float) -> list[dict[str, Any]]:
    """The table of pairs of values."""
    return [
        {
            "loser": one.loser,
            "gainer": one.gainer,
            "n": f.exact(one.n),
            "gained": f.exact(one.gained),
            "lost": f.exact(one.lost),
            "gain": Cell(f.DASH, why=one.reason)
            if one.gain is None
            else Cell(w.points(one.gain[0]), w.between(one.gain, w.points)),
            "p": w.p_value(one.p),
            "adjusted": w.p_value(one.adjusted),
            "sure": one.holds(alpha),
            "refused": f.exact(one.refused),
        }
        for one in pairs
    ]


def part_rows(decomposition: Mapping[str, schema.GapParts]) -> list[dict[str, Any]]:
    """The table of gaps and their parts."""
    return [
        {
            "name": name,
            "reference": found["reference"],
            "gap": cell(found["gap"], w.points),
            "direct": cell(found["direct"], w.points),
            "rest": cell(found["rest"], w.points),
        }
        for name, found in decomposition.items()
    ]
