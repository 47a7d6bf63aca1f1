"""Numbers with their intervals, in plain JSON types."""

from __future__ import annotations

import math

from leanfair.comparison.measures.numbers import difference, finite, measure
from leanfair.statistics import Interval


def test_a_difference_is_the_child_s_less_the_parent_s() -> None:
    found = difference(0.5, 0.25, Interval(-0.25, -0.5, 0.0))
    assert found == {"parent": 0.5, "child": 0.25, "value": -0.25, "low": -0.5, "high": 0.0}
    assert difference(0.5, 0.25)["low"] is None


def test_what_is_no_number_is_null() -> None:
    assert [finite(value) for value in (1.0, math.inf, math.nan, None)] == [1.0, None, None, None]
    assert measure(Interval(0.5, None, math.inf)) == {"value": 0.5, "low": None, "high": None}
