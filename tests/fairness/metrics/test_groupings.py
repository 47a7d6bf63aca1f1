"""Partitions of rows: sizes, shares, and who is large enough for a ratio."""

from __future__ import annotations

import numpy as np

from leanfair.fairness.metrics.groupings import grouping_of


def test_groups_of_one_row_are_set_apart_and_unknown_ones_counted() -> None:
    found = grouping_of("race", ["race"], [["a", "b", "a", "c", None, "b"]])
    assert found.names == ("a", "b")
    assert found.alone == ("c",)
    assert found.unknown == 1
    assert found.codes.tolist() == [0, 1, 0, -1, -1, 1]
    assert found.shares.tolist() == [0.5, 0.5]


def test_shares_are_of_people_where_rows_stand_for_several() -> None:
    weights = np.array([97.0, 1.0, 1.0, 1.0])
    found = grouping_of("race", ["race"], [["a", "b", "b", "a"]], weights)
    assert found.shares.tolist() == [0.98, 0.02]
    assert found.large == [0, 1]
    less = grouping_of("race", ["race"], [["a", "b", "b", "a"]], np.array([99.0, 1.0, 0.5, 1.0]))
    assert less.large == [0]
