"""An audit as tables: what was decided of each row, and every number with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leanfair.fairness.audit.summary import Study


def decision_rows(study: Study, label: str) -> list[dict[str, Any]]:
    """One row for each row of the table, numbered from 1."""
    columns = study.table.groupings[-1].columns
    flips, dummies = study.evidence.flipped(), study.evidence.placebo_flipped()
    rows = []
    for i, record in enumerate(study.table.rows):
        row: dict[str, Any] = {"row": i + 1, **{name: record[name] for name in columns}}
        row[label] = record[label]
        row["label_option"] = study.table.truth[i]
        for rule in study.rules:
            decision, probabilities, status = study.outcomes[rule][i]
            row[f"decision_{rule}"] = decision
            row[f"status_{rule}"] = status
            row[f"p_{rule}"] = probabilities.get(study.favourable)
        rows.append(row | {"flipped": flips[i], "placebo_flipped": dummies[i]})
    return rows


def metric_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each number: by what, of which group (none for all rows), under which rule."""
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


Line = tuple[str, str, str, str, Mapping[str, Any]]


def _intervals(summary: Mapping[str, Any]) -> Iterator[Line]:
    for metric in ("accuracy", "accuracy_among_answered", "flip_rate"):
        for rule, found in summary["metrics"][metric].items():
            yield "", "", rule, metric, found
    yield "", "", "none", "placebo_flip_rate", summary["flips"]["placebo"]["flip_rate"]
    for grouping in summary["groupings"]:
        yield from _of_grouping(grouping)
    for name, group in summary["groups"].items():
        for rule, found in group.get("by_rule", {}).items():
            for metric, value in found.items():
                if isinstance(value, Mapping):
                    yield group["grouping"], name, rule, metric, value


def _of_grouping(grouping: Mapping[str, Any]) -> Iterator[Line]:
    name = grouping["name"]
    for metric, by_rule in grouping["metrics"].items():
        for rule, found in by_rule.items():
            yield name, "", rule, metric, found
    for metric, by_rule in grouping["gains"].items():
        for rule, found in by_rule.items():
            yield name, "", rule, f"gain_{metric}", found
    for group, gaps in grouping["gaps"].items():
        for gap, found in gaps.items():
            for rule, value in found["by_rule"].items():
                yield name, group, rule, f"{gap}_less_reference", value
    for group, parts in (grouping["decomposition"] or {}).items():
        for part in ("direct", "rest"):
            yield name, group, "none", f"gap_{part}", parts[part]
