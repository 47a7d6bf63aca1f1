"""The exact test of a group's changes, against all permutations and scipy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from leanfair.comparison.whom.paired import exact
from leanfair.comparison.whom.paired.exact import group_against_rest


@pytest.mark.parametrize("seed", range(12))
def test_it_equals_the_share_of_all_groups_that_are_as_far_off(seed: int) -> None:
    rng = np.random.default_rng(seed)
    changes, size = rng.integers(-1, 2, size=9), int(rng.integers(1, 9))
    here = np.arange(9) < size
    mean = size * changes.mean()
    sums = [changes[list(rows)].sum() for rows in combinations(range(9), size)]
    far = np.abs(np.array(sums) - mean) >= abs(changes[:size].sum() - mean) - 1e-9
    assert group_against_rest(changes, here) == pytest.approx(far.mean())


def test_where_nothing_is_lost_and_groups_are_equal_it_is_fishers_test() -> None:
    here = np.arange(80) < 40
    changes = np.zeros(80, int)
    changes[:13] = changes[40:44] = 1
    expected = fisher_exact([[13, 27], [4, 36]])[1]
    assert group_against_rest(changes, here) == pytest.approx(expected)


def test_what_did_not_change_is_no_evidence() -> None:
    assert group_against_rest(np.zeros(10, int), np.arange(10) < 5) == 1.0
    assert group_against_rest(np.ones(10, int), np.ones(10, bool)) == 1.0


def test_the_approximation_for_many_rows_is_near_the_exact_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    changes, here = rng.integers(-1, 2, size=3000), np.arange(3000) < 900
    changes[:60] = 1
    true = group_against_rest(changes, here)
    monkeypatch.setattr(exact, "_CELLS", 10)
    assert 1e-4 < true < 0.5
    assert group_against_rest(changes, here) == pytest.approx(true, rel=0.05)
