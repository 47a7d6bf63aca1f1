"""Entries of summary.json, and the families over which their tests are adjusted."""

from __future__ import annotations

import pytest

from leanfair.comparison.whom.entries import Family, estimate_entry, shift_entry
from leanfair.comparison.whom.paired.contrasts import Contrast
from leanfair.statistics import Interval, benjamini_hochberg
from tests.support.sides import section


def test_a_reason_is_there_only_without_a_number() -> None:
    assert "reason" not in estimate_entry(Interval(0.1, 0.0, 0.2))
    assert estimate_entry(Interval.none("why"))["reason"] == "why"


def test_a_family_counts_what_was_tested_and_adjusts_over_that() -> None:
    found = {("a",): Contrast(Interval(0.1, 0.0, 0.2), 0.1, 0.02, 50), ("b",): Contrast.none("x")}
    family = Family.of(found)
    assert family.tests == 1
    assert family.shift("a") == shift_entry(found["a",], 0.02, 1)
    assert family.shift("b")["p_adjusted"] is None


def test_tests_of_a_rate_over_groups_are_adjusted_by_benjamini_and_hochberg() -> None:
    (grouping,) = section()["groupings"]
    for rate in ("selection_rate", "accuracy"):
        own = [group["rates"][rate]["change"] for group in grouping["groups"].values()]
        expected = benjamini_hochberg([one["p"] for one in own])  # type: ignore[misc]
        assert [one["p_adjusted"] for one in own] == pytest.approx(expected)


def test_tests_against_the_rest_are_one_family() -> None:
    (grouping,) = section()["groupings"]
    every = [
        one["against_rest"] for g in grouping["groups"].values() for one in g["rates"].values()
    ]
    known = [one for one in every if one["p"] is not None]
    expected = benjamini_hochberg([one["p"] for one in known])  # type: ignore[misc]
    assert [one["p_adjusted"] for one in known] == pytest.approx(expected)
