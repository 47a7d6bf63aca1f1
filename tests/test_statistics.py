"""Intervals that hold the truth as often as they say, tests that are exact, and honest silence.

The simulations draw whole samples and count how often the 95 % interval of a number holds the true
one: 93 to 97 % of times.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from leanfair.fairness.metrics import gap_intervals as gaps
from leanfair.statistics import (
    Floats,
    Interval,
    Resampling,
    benjamini_hochberg,
    fisher,
    linear_interval,
    mcnemar,
    paired_test,
    rate_interval,
    resampled,
    wilson,
)
from tests.support.samples import DRAWS, coverage, paired, sample

# ---- coverage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sizes", "rates"), [((150, 150), (0.4, 0.5))])
def test_a_signed_difference_is_covered(sizes: tuple[int, ...], rates: tuple[float, ...]) -> None:
    found = coverage(
        lambda rng: linear_interval(sample(sizes, rates, rng), [[1.0, -1.0]]),
        rates[0] - rates[1],
        1000,
    )
    assert 0.93 <= found <= 0.97


@pytest.mark.real
def test_a_paired_change_is_covered_and_narrower_than_an_unpaired_one() -> None:
    found = coverage(
        lambda rng: linear_interval(paired((0.6,), (0.5,), 100, rng), [[1.0], [-1.0]]), 0.1, 1000
    )
    assert 0.93 <= found <= 0.97
    rates = paired((0.6,), (0.5,), 400, np.random.default_rng(0))
    together = linear_interval(rates, [[1.0], [-1.0]])
    apart = np.quantile(np.abs(rates.errors[0, 0] - np.roll(rates.errors[1, 0], 1)), 0.95)
    assert together.high is not None
    assert together.low is not None
    assert (together.high - together.low) / 2 < 0.9 * apart


def clustered(rng: np.random.Generator, persons: int = 80, each: int = 4) -> tuple[Floats, Floats]:
    """Rows of persons whose own rates differ a lot."""
    own = np.repeat(rng.beta(1, 1.5, persons), each)
    return (rng.random(persons * each) < own).astype(float), np.repeat(np.arange(persons), each)


@pytest.mark.parametrize("method", ["wilson", "linear"])
def test_rows_of_one_person_are_not_taken_for_independent(method: str) -> None:
    def once(rng: np.random.Generator) -> Interval:
        hits, persons = clustered(rng)
        if method == "wilson":
            return rate_interval(hits, np.ones_like(hits), persons)
        if method == "linear":
            ones = np.ones((len(hits), 1))
            rates = resampled(hits[:, None], ones, 0 * persons, Resampling(persons, 0, DRAWS), rng)
            return linear_interval(rates, [[1.0]])
        raise AssertionError(method)

    assert 0.925 <= coverage(once, 0.4, 250) <= 0.975

    def naive(rng: np.random.Generator) -> Interval:
        hits, persons = clustered(rng)
        return rate_interval(hits, np.ones_like(hits), np.arange(len(persons)))

    assert coverage(naive, 0.4, 400) < 0.9


# ---- what intervals are -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_an_interval_holds_the_number_that_it_belongs_to(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, rates = rng.integers(2, 40, 4), rng.random(4)
    found = sample(sizes.tolist(), rates.tolist(), rng)
    value = found.value[0]
    intervals = {"gap": (gaps.gap_interval(found), np.ptp(value))}
    intervals["linear"] = (linear_interval(found, [[1, -1, 0, 0]]), value[0] - value[1])
    if value.any():
        intervals["ratio"] = (gaps.ratio_interval(found), value.min() / value.max())
        intervals["impact"] = (gaps.impact_interval(found, 1), value[1] / value.max())
    for name, (one, shown) in intervals.items():
        assert one.value == pytest.approx(shown, abs=1e-12), name
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high, name


def test_clusters_that_lie_in_several_groups_are_drawn_whole() -> None:
    """Each person is once in either group and hits in both or in none: so the groups are equal."""
    rng = np.random.default_rng(0)
    persons, groups = np.tile(np.arange(100), 2), np.repeat([0, 1], 100)
    hits = np.tile(rng.random(100) < 0.5, 2)[:, None]
    spread = []
    for clusters in (persons, np.arange(200)):
        rates = resampled(hits, np.ones_like(hits), groups, Resampling(clusters, 0, DRAWS), rng)
        spread.append(float((rates.errors[0, 0] - rates.errors[0, 1]).std()))
    assert spread[0] < 0.35 * spread[1]


def test_nothing_is_said_where_there_is_nothing() -> None:
    rng = np.random.default_rng(0)
    nothing = rate_interval([], [], [])
    assert nothing.value is None
    assert nothing.reason
    two = Resampling(np.arange(2), draws=DRAWS)
    empty = resampled(np.zeros((2, 1)), np.zeros((2, 1)), [0, 1], two, rng)
    found = linear_interval(empty, [[1.0, -1.0]])
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize(("hits", "size"), [(0, 7), (1, 7), (9343, 10_000), (25, 25)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilsons_interval_is_scipys(hits: int, size: int, confidence: float) -> None:
    expected = binomtest(hits, size).proportion_ci(confidence, method="wilson")
    found = wilson(hits / size, size, confidence)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilsons_interval_is_within_0_and_1_and_shrinks_with_the_root_of_the_size() -> None:
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20)[1] == 1.0
    widths = [high - low for low, high in (wilson(0.3, size) for size in (1000, 4000))]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert wilson(0.3, 50, 0.99)[0] < wilson(0.3, 50)[0] < 0.3


def test_every_part_of_an_audit_has_its_own_randomness() -> None:
    one = Resampling(np.arange(4), seed=3)
    assert one.rng(1).random() == one.rng(1).random()
    assert len({Resampling(one.clusters, seed).rng(*s).random()
                for seed in (3, 4) for s in ((), (1,), (2,), (1, 2))}) == 8  # fmt: skip
    assert one.of(np.array([True, False, True, False])).clusters.tolist() == [0, 2]


# ---- tests --------------------------------------------------------------------------------------


def test_paired_tests_are_exact() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(6, 0) == mcnemar(0, 6)
    assert paired_test([1, 1, 1, 1, 1, 1, 0], range(7)) == pytest.approx(2 / 64)
    assert paired_test([1, -1], [0, 1]) == 1.0


def test_pairs_of_one_person_count_once() -> None:
    """Six rows that lean one way are little evidence where one person gave them all."""
    assert paired_test([1] * 6, [0] * 6) == 1.0
    # sums 3 and -1: of the four sign patterns (±3 ±1), |sum| >= 2 holds always, >= 4 half the time
    assert paired_test([1, 1, 1, -1], [0, 0, 0, 1]) == 1.0
    assert paired_test([1, 1, 1, 1], [0, 0, 0, 1]) == 0.5


def test_an_unpaired_test_would_miss_what_the_paired_one_finds() -> None:
    """40 of 200 against 30 of 200, and the 30 are among the 40."""
    assert mcnemar(10, 0) < 0.01
    assert fisher(40, 160, 30, 170) > 0.2


def test_pairs_without_bias_are_rejected_no_more_often_than_said() -> None:
    rng = np.random.default_rng(1)
    p = [
        paired_test(rng.integers(0, 2, 60) - rng.integers(0, 2, 60), range(60)) for _ in range(600)
    ]
    assert 0.01 <= np.mean(np.asarray(p) <= 0.05) <= 0.06


def test_adjusted_p_values() -> None:
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx(
        [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )
    assert benjamini_hochberg([1.0, 1.0]) == [1.0, 1.0]


@pytest.mark.real
def test_a_family_without_bias_is_quiet_at_the_nominal_rate() -> None:
    """Ten pairs of five values, 300 audits: any adjusted p up to 0.05 is a false alarm."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(300):
        decisions = (rng.random((80, 5)) < 0.5).astype(int)
        family = [
            paired_test(decisions[:, a] - decisions[:, b], range(80))
            for a in range(5)
            for b in range(a)
        ]
        alarms += min(benjamini_hochberg(family)) <= 0.05
    assert alarms / 300 <= 0.06
