"""An audit as tables: what was decided of each row, and every number with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from leanfair.fairness import schema
from leanfair.fairness.audit.inputs import AuditInput
from leanfair.fairness.metrics.outcomes import OUTCOMES
from leanfair.fairness.metrics.rates import KINDS
from leanfair.fairness.tables.columns import apart

OF_ALL_ROWS: tuple[schema.SummaryMetricName, ...] = (
    "accuracy",
    "accuracy_among_answered",
    "flip_rate",
)


_UNCLEAR = "it is not clear that the value is that of the person decided about"


def decision_rows(given: AuditInput) -> list[dict[str, Any]]:
    """One row for each row of the table, called as it is there, with the columns of groups and of
    labels. Where one of them has the name of a column here, that one gets a prefix."""
    table = given.table
    kept = [*table.columns.groups, *filter(None, [table.columns.label])]
    flips, placebos = given.evidence.flipped(), given.evidence.placebo_flipped()
    own = []
    for i, number in enumerate(table.numbers):
        row: dict[str, Any] = {}
        if table.truth is not None:
            row["label_option"] = table.truth[i]
        for rule in given.rules:
            decision, probabilities, status = given.outcomes[rule][i]
            row[f"decision_{rule}"] = decision
            row[f"status_{rule}"] = status
            row[f"p_{rule}"] = probabilities.get(given.favourable)
        row |= _reading_of(given, i)
        own.append({"row": number} | row | {"flipped": flips[i], "placebo_flipped": placebos[i]})
    names = apart(own[0], kept)
    return [
        {
            names["row"]: made["row"],
            **{name: record[name] for name in kept},
            **{names[name]: value for name, value in made.items() if name != "row"},
        }
        for made, record in zip(own, table.rows, strict=True)
    ]


def _reading_of(given: AuditInput, row: int) -> dict[str, Any]:
    """How far a row was understood: nothing where no attribute was named."""
    if not given.evidence.readings:
        return {}
    found = given.evidence.readings[row]
    words = "; ".join(found.unread)
    unclear = found.reading == "varied" and not found.clear
    note = _UNCLEAR if unclear else found.note
    return {"reading": found.reading, "not_understood": words, "note": note}


def metric_rows(summary: schema.Summary) -> list[dict[str, Any]]:
    """One row for each number: its grouping, group (empty for all rows), rule and interval."""
    return [
        {
            "grouping": grouping,
            "group": group,
            "rule": rule,
            "metric": metric,
            "value": found["value"],
            "low": found["low"],
            "high": found["high"],
            "reason": found.get("reason", ""),
        }
        for grouping, group, rule, metric, found in _intervals(summary)
    ]


Line: TypeAlias = tuple[str, str, str, str, schema.Interval]
"""Grouping, group, rule, metric and its interval."""


def _intervals(summary: schema.Summary) -> Iterator[Line]:
    for metric in OF_ALL_ROWS:
        for rule, interval in summary["metrics"][metric].items():
            yield "", "", rule, metric, interval
    yield "", "", "none", "placebo_flip_rate", summary["flips"]["placebo"]["flip_rate"]
    for grouping in summary["groupings"]:
        yield from _of_grouping(grouping)
    for name, group in summary["groups"].items():
        if "by_rule" in group:
            for rule, outcome in group["by_rule"].items():
                for rate, interval in _of_group(outcome):
                    yield group["grouping"], name, rule, rate, interval


def _of_group(outcome: schema.GroupOutcome) -> Iterator[tuple[str, schema.Interval]]:
    for rate in KINDS:
        yield rate, outcome[rate]
    yield "selection_rate_among_answered", outcome["selection_rate_among_answered"]
    yield "impact_ratio", outcome["impact_ratio"]
    for name in OUTCOMES:
        yield name, outcome[name]
    yield "scoring_ratio", outcome["scoring_ratio"]


def _of_grouping(grouping: schema.Grouping) -> Iterator[Line]:
    name = grouping["name"]
    for metric, by_rule in grouping["metrics"].items():
        for rule, interval in by_rule.items():
            yield name, "", rule, metric, interval
    for outcome, by_rule in grouping["outcome_gaps"].items():
        for rule, interval in by_rule.items():
            yield name, "", rule, f"{outcome}_difference", interval
    for difference, by_rule in grouping["gains"].items():
        for rule, interval in by_rule.items():
            yield name, "", rule, f"gain_{difference}", interval
    for group, gaps in grouping["gaps"].items():
        for rate, gap in gaps.items():
            for rule, interval in gap["by_rule"].items():
                yield name, group, rule, f"{rate}_less_reference", interval
    for group, parts in (grouping["decomposition"] or {}).items():
        yield name, group, "none", "gap_direct", parts["direct"]
        yield name, group, "none", "gap_rest", parts["rest"]
