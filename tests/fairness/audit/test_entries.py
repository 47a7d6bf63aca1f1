"""Measured values as they stand in summary.json."""

from __future__ import annotations

from leanfair.fairness import schema
from leanfair.fairness.audit.entries import interval_entry, variation_entry
from leanfair.fairness.types import Answer, Varied
from leanfair.statistics import Interval
from tests.support.schemas import misfits


def test_a_reason_is_there_only_where_there_is_no_estimate() -> None:
    assert interval_entry(Interval(1.0, 0.0, 2.0)) == {"value": 1.0, "low": 0.0, "high": 2.0}
    assert interval_entry(Interval.none("why")) == {
        "value": None, "low": None, "high": None, "reason": "why",
    }  # fmt: skip


def test_a_variation_is_plain_json() -> None:
    varied = Varied("v", "a text", ((0, 1),), True, "yes", Answer("answered", {"yes": 1.0}))
    entry = variation_entry(varied)
    assert not misfits(entry, schema.Variation)
    assert entry["spans"] == [[0, 1]]
