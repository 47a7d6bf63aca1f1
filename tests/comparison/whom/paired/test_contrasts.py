"""What it takes to claim a change, and how large one would have been found."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.comparison.whom.paired.contrasts import (
    Contrast,
    adjusted,
    bootstrapped,
    contrast,
    holds,
    is_independent,
)
from leanfair.statistics import Interval, Resampling, mcnemar, resampled


def test_only_what_has_a_test_is_adjusted() -> None:
    found = [Contrast(Interval(0.1, 0.0, 0.2), 0.1, p) for p in (0.01, None, 0.04)]
    assert adjusted(found) == [0.02, None, 0.04]
    assert adjusted([Contrast.none("why")]) == [None]


@pytest.mark.parametrize(
    ("interval", "after", "expected"),
    [
        (Interval(0.1, 0.02, 0.2), 0.04, True),
        (Interval(-0.1, -0.2, -0.02), 0.04, True),
        (Interval(0.1, 0.02, 0.2), 0.06, False),
        (Interval(0.1, -0.01, 0.2), 0.04, False),
        (Interval(0.1, 0.02, 0.2), None, False),
        (Interval.none("why"), 0.01, False),
    ],
)
def test_a_claim_needs_both_the_test_and_the_interval(
    interval: Interval, after: float | None, expected: bool
) -> None:
    assert holds(Contrast(interval), after) is expected


def test_less_can_be_detected_the_more_tests_there_are() -> None:
    one = Contrast(Interval(0.0, -0.1, 0.1), 0.05, 1.0, 400)
    sizes = [one.detectable(tests) for tests in (1, 2, 20)]
    assert sizes == sorted(sizes)  # type: ignore[type-var]
    assert sizes[0] == pytest.approx((1.95996 + 0.84162) * 0.05, rel=1e-4)


@pytest.mark.parametrize("tests", [1, 2, 7, 30])
def test_where_nothing_varies_an_exact_test_needs_some_rows(tests: int) -> None:
    size = Contrast(Interval(0.0, 0.0, 0.0), 0.0, 1.0, 100).detectable(tests)
    fewest = next(k for k in range(1, 100) if mcnemar(k, 0) <= 0.05 / tests)
    assert size == pytest.approx(fewest / 100)


def test_the_p_value_of_a_bootstrap_is_never_0() -> None:
    errors = np.random.default_rng(0).normal(size=999)
    assert bootstrapped(errors, 100.0) == pytest.approx(0.001)
    assert bootstrapped(errors, 0.0) == 1.0
    assert bootstrapped(errors, 1.96) == pytest.approx(0.05, abs=0.02)


def test_an_undefined_rate_has_no_contrast() -> None:
    how = Resampling(np.arange(4), draws=100)
    rates = resampled(np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(4, int), how, how.rng(0))
    found = contrast(rates, [[-1.0], [1.0]], 0.95, n=0)
    assert (found.interval.value, found.p, found.detectable(1)) == (None, None, None)


def test_clusters_and_weights_are_no_independent_people() -> None:
    assert is_independent(Resampling(np.arange(4)))
    assert not is_independent(Resampling(np.array([0, 0, 1, 2])))
    assert not is_independent(Resampling(np.arange(4), weights=np.ones(4)))
