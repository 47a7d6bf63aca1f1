"""Decisions as columns of a table, beside those that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leanfair.fairness.tables.columns import apart
from leanfair.fairness.types import Decision

ADDED = ("decision", "status", "captured", "flipped", "note")
"""The columns that are added to a table, beside a probability of each option."""

Row = Mapping[str, Any]


def columns_of(names: Iterable[str], options: Sequence[str]) -> dict[str, str]:
    """Our columns -> what they are called beside those of the table, `names`, which stay as they
    are."""
    chances = (f"p_{option}" for option in options)
    first, second, *rest = ADDED
    return apart((first, second, *chances, *rest), names)


def with_decisions(
    rows: Sequence[Row], decisions: Sequence[Decision], called: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each row with its decision: the label, its status, the probabilities behind it. `called`: see
    `columns_of`."""
    return [
        {**row, **{called[name]: value for name, value in _told(decision, called).items()}}
        for row, decision in zip(rows, decisions, strict=True)
    ]


def schema_with(schema: Any, called: Mapping[str, str]) -> Any:
    """The schema of a parquet file with our columns behind those that it has."""
    import pyarrow as pa

    texts, truths = ("decision", "status", "note"), ("flipped",)
    for name, new in called.items():
        kind = pa.string() if name in texts else pa.bool_() if name in truths else pa.float64()
        schema = schema.append(pa.field(new, kind))
    return schema


def _told(decision: Decision, names: Iterable[str]) -> dict[str, Any]:
    found = {
        "decision": decision.label,
        "status": decision.status,
        **{f"p_{option}": chance for option, chance in decision.probabilities.items()},
        "captured": decision.captured,
        "flipped": decision.flipped,
        "note": decision.note,
    }
    return {name: found.get(name) for name in names}
