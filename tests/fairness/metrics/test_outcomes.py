"""Answers, refusals and scores by group, as rates with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.fairness.metrics.groupings import grouping_of
from leanfair.fairness.metrics.outcomes import NO_SCORES, OutcomeRates, median_of
from leanfair.statistics import Resampling

GROUPS = ["a"] * 30 + ["b"] * 30


def rates(status: list[str], scores: list[float] | None = None) -> OutcomeRates:
    found = np.full(60, np.nan) if scores is None else np.array(scores, float)
    rows = Resampling(np.arange(60), draws=400)
    grouping = grouping_of("race", ["race"], [list(GROUPS)])
    return OutcomeRates(grouping, status, found, rows, rows.rng())


def test_not_being_answered_is_an_outcome() -> None:
    found = rates(["answered"] * 8 + ["refused"] * 22 + ["refused"] * 30)
    assert found.rate("answer_rate", 0).value == pytest.approx(8 / 30)
    assert found.rate("answer_rate", 1).value == 0.0
    assert found.rate("refusal_rate", 1).value == 1.0
    gap = found.gap("answer_rate")
    assert gap.value == pytest.approx(8 / 30)
    assert gap.low is not None
    assert gap.low > 0
    assert found.ratio("answer_rate", 1).value == 0.0
    assert found.rate("scoring_rate", 0).reason == NO_SCORES
    assert found.gap("scoring_rate").reason == NO_SCORES


def test_equal_answering_has_a_gap_that_may_be_0() -> None:
    found = rates((["answered"] * 20 + ["refused"] * 10) * 2)
    assert found.gap("answer_rate").low == 0.0


def test_the_scoring_rate_is_the_share_above_the_median_of_all_that_were_scored() -> None:
    scores = [float(i) for i in range(30)] + [i + 20.5 for i in range(30)]
    scores[0] = float("nan")
    found = rates(["answered"] * 60, scores)
    median = float(np.nanmedian(scores))
    above = np.array(scores) > median
    assert found.median == median
    assert found.rate("scoring_rate", 0).value == pytest.approx(above[:30].sum() / 29)
    assert found.rate("scoring_rate", 1).value == pytest.approx(above[30:].mean())
    ratio = found.ratio("scoring_rate", 0)
    assert ratio.value == pytest.approx((above[:30].sum() / 29) / above[30:].mean())
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low <= ratio.value <= ratio.high


def test_medians_are_those_of_numpy_and_of_rows_written_out() -> None:
    rng = np.random.default_rng(0)
    for n in (3, 4, 11, 20):
        scores = rng.random(n)
        assert median_of(scores) == pytest.approx(np.median(scores))
        counts = rng.integers(1, 4, n)
        assert median_of(scores, counts.astype(float)) == pytest.approx(
            np.median(np.repeat(scores, counts))
        )
    assert median_of(np.array([0.0, 1.0, 1.0, np.nan])) is None


def test_one_group_alone_has_rates_and_no_gap() -> None:
    rows = Resampling(np.arange(4), draws=100)
    grouping = grouping_of("race", ["race"], [["a", "a", "b", None]])
    found = OutcomeRates(grouping, ["answered"] * 4, np.full(4, np.nan), rows, rows.rng())
    assert found.rate("answer_rate", 0).value == 1.0
    assert "fewer than two groups" in found.gap("answer_rate").reason
    assert "fewer than two groups" in found.ratio("answer_rate", 0).reason
