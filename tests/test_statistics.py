"""Intervals that hold the truth as often as they say, tests that are exact, and honest silence.

The simulations draw whole samples and count how often the 95 % interval of a number holds the true
one: 93 to 97 % of times. Bootstraps are small here (300 resamples), which costs no coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import binomtest

from leanfair.fairness.metrics import gap_intervals as gaps
from leanfair.statistics import (
    Floats,
    Interval,
    Rates,
    benjamini_hochberg,
    fisher,
    interval,
    linear_interval,
    mcnemar,
    paired_test,
    rate_interval,
    resampled,
    wilson,
)

DRAWS = 300


def sample(sizes: Sequence[int], rates: Sequence[float], rng: np.random.Generator) -> Rates:
    """One column of rates, of so many rows a group."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    hits = rng.random(len(groups)) < np.repeat(rates, sizes)
    return resampled(
        hits[:, None], np.ones((len(groups), 1)), groups, np.arange(len(groups)), rng, DRAWS
    )


def coverage(once: Callable[[np.random.Generator], Interval], truth: float, times: int) -> float:
    """How often the interval of a fresh sample holds the truth."""
    rng = np.random.default_rng(2506)
    held = 0
    for _ in range(times):
        found = once(rng)
        assert found.low is not None
        assert found.high is not None
        held += found.low - 1e-12 <= truth <= found.high + 1e-12
    return held / times


def mean(weights: Floats, values: Floats) -> Floats:
    result: Floats = (weights @ values) / weights.sum(axis=1)
    return result


# ---- coverage -----------------------------------------------------------------------------------

TWO = [
    ((150, 150), (0.4, 0.4)),
    ((150, 150), (0.4, 0.5)),
    ((150, 150), (0.2, 0.4)),
    ((240, 60), (0.3, 0.3)),
    ((240, 60), (0.3, 0.5)),
]


@pytest.mark.parametrize(("sizes", "rates"), TWO)
def test_the_gap_of_two_groups_is_covered_as_often_as_said(
    sizes: tuple[int, ...], rates: tuple[float, ...]
) -> None:
    found = coverage(
        lambda rng: gaps.gap_interval(sample(sizes, rates, rng)), float(np.ptp(rates)), 600
    )
    assert 0.93 <= found <= 0.97


@pytest.mark.parametrize(
    "rates", [(0.4,) * 5, (0.5, 0.4, 0.4, 0.4, 0.4), (0.3, 0.5, 0.5, 0.5, 0.5)]
)
def test_the_largest_gap_of_five_groups_is_covered(rates: tuple[float, ...]) -> None:
    found = coverage(
        lambda rng: gaps.gap_interval(sample((60,) * 5, rates, rng)), float(np.ptp(rates)), 600
    )
    assert 0.93 <= found <= 0.97


def test_percentiles_would_never_hold_the_gap_of_five_equal_groups() -> None:
    """What the inverted bootstrap is for."""

    def percentiles(rng: np.random.Generator) -> Interval:
        rates = sample((60,) * 5, (0.4,) * 5, rng)
        drawn = gaps.ranges(rates.value[..., None] + rates.errors)[0]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(float(np.ptp(rates.value)), float(low), float(high))

    assert coverage(percentiles, 0.0, 100) == 0.0


@pytest.mark.parametrize(("sizes", "rates"), [((150, 150), (0.4, 0.5)), ((240, 60), (0.05, 0.1))])
def test_a_signed_difference_is_covered(sizes: tuple[int, ...], rates: tuple[float, ...]) -> None:
    found = coverage(
        lambda rng: linear_interval(sample(sizes, rates, rng), [[1.0, -1.0]]),
        rates[0] - rates[1],
        1000,
    )
    assert 0.93 <= found <= 0.97


@pytest.mark.parametrize("rates", [(0.4, 0.4), (0.3, 0.5)])
def test_a_ratio_is_covered(rates: tuple[float, ...]) -> None:
    truth = min(rates) / max(rates)
    found = coverage(lambda rng: gaps.ratio_interval(sample((150, 150), rates, rng)), truth, 600)
    assert 0.93 <= found <= 0.97


def test_the_impact_ratio_of_a_group_is_covered() -> None:
    rates = (0.5, 0.5, 0.4)
    found = coverage(lambda rng: gaps.impact_interval(sample((100,) * 3, rates, rng), 2), 0.8, 600)
    assert 0.93 <= found <= 0.98


def paired(
    before: Sequence[float], after: Sequence[float], size: int, rng: np.random.Generator
) -> Rates:
    """Two decisions for each row, which agree more than chance would make them."""
    groups = np.repeat(np.arange(len(before)), size)
    first = rng.random(len(groups))
    second = np.where(rng.random(len(groups)) < 0.6, first, rng.random(len(groups)))
    hits = np.stack([first < np.asarray(before)[groups], second < np.asarray(after)[groups]], 1)
    return resampled(hits, np.ones_like(hits), groups, np.arange(len(groups)), rng, DRAWS)


@pytest.mark.parametrize(
    ("before", "after"), [((0.6, 0.4), (0.5, 0.5)), ((0.6, 0.3), (0.5, 0.4)), ((0.5,) * 2,) * 2]
)
def test_the_gain_of_a_rule_is_covered(before: tuple[float, ...], after: tuple[float, ...]) -> None:
    def once(rng: np.random.Generator) -> Interval:
        rates = paired(before, after, 150, rng)
        return gaps.gain_interval(rates.take([0]), rates.take([1]))

    # few samples, since this one takes long: the count alone errs by 2 points
    found = coverage(once, float(np.ptp(before) - np.ptp(after)), 120)
    assert 0.9 <= found <= 0.99


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


@pytest.mark.parametrize(("hits", "size"), [(0, 7), (1, 7), (9343, 10_000), (25, 25)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilsons_interval_is_scipys(hits: int, size: int, confidence: float) -> None:
    expected = binomtest(hits, size).proportion_ci(confidence, method="wilson")
    found = wilson(hits / size, size, confidence)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("method", ["wilson", "bca", "linear"])
def test_rows_of_one_person_are_not_taken_for_independent(method: str) -> None:
    def once(rng: np.random.Generator) -> Interval:
        hits, persons = clustered(rng)
        if method == "wilson":
            return rate_interval(hits, np.ones_like(hits), persons)
        if method == "linear":
            ones = np.ones((len(hits), 1))
            rates = resampled(hits[:, None], ones, 0 * persons.astype(int), persons, rng, DRAWS)
            return linear_interval(rates, [[1.0]])
        return interval(lambda weights: mean(weights, hits), persons, rng, draws=DRAWS)

    assert 0.925 <= coverage(once, 0.4, 250) <= 0.975

    def naive(rng: np.random.Generator) -> Interval:
        hits, persons = clustered(rng)
        return rate_interval(hits, np.ones_like(hits), np.arange(len(persons)))

    assert coverage(naive, 0.4, 400) < 0.9


@pytest.mark.real
@pytest.mark.parametrize("base", [0.2, 0.5])
@pytest.mark.parametrize("sizes", [(60,) * 5, (120, 80, 50, 30, 20)])
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.2, 0.3])
@pytest.mark.parametrize(
    "pattern",
    [(1, 0, 0, 0, 0), (1, 1, 0, 0, 0), (0, 0, 0, 0, 1), (0, 0.25, 0.5, 0.75, 1), (0, 1, 2, 2, 2)],
)
def test_five_groups_are_covered_however_their_rates_lie(
    base: float, sizes: tuple[int, ...], gap: float, pattern: tuple[float, ...]
) -> None:
    """Slightly too often where the rates between are spread, slightly too seldom where several
    groups share the top and several the bottom."""
    rates = base + gap * np.asarray(pattern) / max(pattern)
    found = coverage(
        lambda rng: gaps.gap_interval(sample(sizes, rates.tolist(), rng)),
        float(np.ptp(rates)),
        600,
    )
    assert 0.915 <= found <= 0.995


@pytest.mark.real
@pytest.mark.parametrize("pattern", [(1, 0, 0, 0, 0), (1, 1, 0, 0, 0), (0, 0.25, 0.5, 0.75, 1)])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0.1, 0), (0.2, 0), (0.3, 0), (0.3, 0.2)])
def test_gains_of_five_groups_are_covered_nearly_as_often_as_said(
    pattern: tuple[float, ...], before: float, after: float
) -> None:
    first, second = (0.4 + gap * np.asarray(pattern) for gap in (before, after))

    def once(rng: np.random.Generator) -> Interval:
        rates = paired(first.tolist(), second.tolist(), 60, rng)
        return gaps.gain_interval(rates.take([0]), rates.take([1]))

    assert 0.89 <= coverage(once, before - after, 500) <= 0.985


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


def test_two_groups_differ_where_a_two_sided_test_says_so() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        rates = sample((60, 60), (0.4, 0.58), rng)
        gap, signed = gaps.gap_interval(rates), linear_interval(rates, [[1.0, -1.0]])
        assert gap.low is not None
        assert signed.low is not None
        assert signed.high is not None
        margin = min(abs(signed.low), abs(signed.high))
        if margin > 0.005:  # both ends of a bisection, not at the edge
            assert (gap.low > 0) == (signed.low > 0 or signed.high < 0)


def test_certainty_is_not_claimed_where_all_hit() -> None:
    rates = sample((12, 12), (1.0, 1.0), np.random.default_rng(0))
    gap = gaps.gap_interval(rates)
    assert gap.value == 0.0
    assert gap.high is not None
    assert gap.high > 0.05


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    one, same, other = (
        gaps.gap_interval(sample((40, 40), (0.3, 0.6), np.random.default_rng(seed)))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_clusters_that_lie_in_several_groups_are_drawn_whole() -> None:
    """Each person is once in either group and hits in both or in none: so the groups are equal."""
    rng = np.random.default_rng(0)
    persons, groups = np.tile(np.arange(100), 2), np.repeat([0, 1], 100)
    hits = np.tile(rng.random(100) < 0.5, 2)[:, None]
    whole = resampled(hits, np.ones_like(hits), groups, persons, rng, DRAWS)
    apart = resampled(hits, np.ones_like(hits), groups, np.arange(200), rng, DRAWS)
    spread = [float((r.errors[0, 0] - r.errors[0, 1]).std()) for r in (whole, apart)]
    assert spread[0] < 0.35 * spread[1]


def test_strata_keep_their_sizes() -> None:
    strata = np.repeat([0, 1], [30, 10])
    sizes: list[Floats] = []

    def share(weights: Floats) -> Floats:
        sizes.append(weights[:, strata == 1].sum(axis=1))
        return mean(weights, strata.astype(float))

    rng = np.random.default_rng(0)
    found = interval(share, np.arange(40), rng, strata=strata, draws=200, method="percentile")
    assert (np.concatenate(sizes) == 10).all()
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="more than one stratum"):
        interval(share, [0, 0], rng, strata=[0, 1])


@pytest.mark.parametrize("method", ["bca", "percentile", "basic"])
def test_any_statistic_has_an_interval(method: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=200)
    found = interval(lambda w: mean(w, values), np.arange(200), rng, method=method)  # type: ignore[arg-type]
    assert found.value == pytest.approx(values.mean())
    assert found.low is not None
    assert found.high is not None
    assert found.low < values.mean() < found.high


def test_nothing_is_said_where_there_is_nothing() -> None:
    rng = np.random.default_rng(0)
    nothing = rate_interval([], [], [])
    assert nothing.value is None
    assert nothing.reason
    empty = resampled(np.zeros((2, 1)), np.zeros((2, 1)), [0, 1], [0, 1], rng, DRAWS)
    found = linear_interval(empty, [[1.0, -1.0]])
    assert found.value is None
    assert found.to_json()["reason"]
    undefined = interval(lambda w: np.full(len(w), np.nan), [0, 1], rng)
    assert undefined.value is None
    seldom = interval(lambda w: np.where((w == 1).all(axis=1), 1.0, np.nan), range(9), rng)
    assert seldom.value is None


def test_json_leaves_an_empty_reason_out() -> None:
    assert Interval(1.0, 0.0, 2.0).to_json() == {"value": 1.0, "low": 0.0, "high": 2.0}
    assert Interval.none("why").to_json()["reason"] == "why"


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
