"""Metrics as an honest statistician reports them: what they count, and when they keep silent."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.fairness.metrics.groupings import MINIMUM_SHARE, grouping_of
from leanfair.fairness.metrics.rates import METRICS, Decided, GroupRates
from leanfair.statistics import Interval, Resampling
from tests.support.groups import measure

DRAWS = 200


def rates(
    groups: list[str | None], favourable: list[bool], answered: list[bool] | None = None,
    labels: list[bool] | None = None, **rules: list[bool],
) -> GroupRates:  # fmt: skip
    """The rates of one grouping, under "none" and further rules."""
    chosen = np.asarray(favourable, bool)
    replied = np.ones_like(chosen) if answered is None else np.asarray(answered, bool)
    truth = np.asarray(labels if labels is not None else favourable, bool)
    decided = {"none": Decided(chosen & replied, replied, (chosen == truth) & replied)}
    for name, after in rules.items():
        one = np.asarray(after, bool)
        decided[name] = Decided(one, np.ones_like(one), one == truth)
    return GroupRates(
        grouping_of("race", ["race"], [groups]), truth, decided,
        Resampling(np.arange(len(chosen)), draws=DRAWS), np.random.default_rng(0),
    )  # fmt: skip


def numbers(found: Interval) -> tuple[float, float, float]:
    """The three numbers of an interval that has them."""
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return found.value, found.low, found.high


def test_rates_count_all_rows_and_say_what_the_answered_ones_show() -> None:
    """Four of ten favourable, two refused: 40 % of all, 50 % of those answered, nobody dropped."""
    found = rates(
        ["a"] * 10 + ["b"] * 10,
        [True] * 4 + [False] * 6 + [True] * 5 + [False] * 5,
        [True] * 8 + [False] * 2 + [True] * 10,
    )
    assert found.rate("selection_rate", "none", 0).value == 0.4
    assert found.rate("selection_rate", "none", 0, "answered").value == 0.5
    assert found.metric("demographic_parity_difference", "none").value == pytest.approx(0.1)
    assert found.metric("demographic_parity_difference", "none", "answered").value == 0.0


def test_too_few_answers_say_nothing_rather_than_zero() -> None:
    """Recorded of another tool: a demographic parity of 0.0 where fewer than three were parsed."""
    answered = [True] * 2 + [False] * 18 + [True] * 20
    found = rates(["a"] * 20 + ["b"] * 20, [False] * 40, answered)
    for name in METRICS:
        metric = found.metric(name, "none")
        assert (metric.value, metric.low, metric.high) == (None, None, None)
        assert metric.reason
    assert "'a'" in found.metric("demographic_parity_difference", "none").reason
    assert found.rate("selection_rate", "none", 0).value is None
    assert found.rate("selection_rate", "none", 1).value == 0.0
    assert found.signed("selection_rate", 1, 0, "none").value is None


def test_a_group_without_positives_is_named() -> None:
    """fairlearn takes its true positive rate as 0, which makes a gap of what nobody has seen."""
    labels = [True] * 10 + [False] * 10 + [False] * 20
    decisions = [True, False] * 20
    found = measure(labels, decisions, ["a"] * 20 + ["b"] * 20, draws=DRAWS)
    for name in (
        "equal_opportunity_difference", "average_odds_difference", "equalized_odds_difference",
    ):  # fmt: skip
        assert found[name].value is None
        assert "'b'" in found[name].reason
    assert found["demographic_parity_difference"].value == 0.0


def test_small_groups_are_set_aside_before_the_highest_rate_is_looked_for() -> None:
    """Recorded of another tool: a group of two, all hired, made all others look bad."""
    groups: list[str | None] = ["tiny"] * 2 + ["a"] * 100 + ["b"] * 100
    chosen = [True] * 2 + [True] * 50 + [False] * 50 + [True] * 40 + [False] * 60
    found = rates(groups, chosen)
    assert MINIMUM_SHARE == 0.02
    names = found.grouping.names
    assert numbers(found.metric("demographic_parity_ratio", "none"))[0] == pytest.approx(0.8)
    assert numbers(found.impact("none", names.index("a")))[0] == 1.0
    assert numbers(found.impact("none", names.index("b")))[0] == pytest.approx(0.8)
    small = found.impact("none", names.index("tiny"))
    assert small.value is None
    assert "1.0%" in small.reason
    # shown all the same, and part of the difference
    assert found.rate("selection_rate", "none", names.index("tiny")).value == 1.0
    assert numbers(found.metric("demographic_parity_difference", "none"))[0] == pytest.approx(0.6)


def test_no_ratio_of_nothing() -> None:
    found = rates(["a"] * 10 + ["b"] * 10, [False] * 20)
    ratio = found.metric("demographic_parity_ratio", "none")
    assert ratio.value is None
    assert "no group" in ratio.reason
    assert found.metric("demographic_parity_difference", "none").value == 0.0


def test_one_group_is_nothing_to_compare() -> None:
    found = rates(["a"] * 10, [True] * 10)
    assert found.metric("demographic_parity_difference", "none").reason
    assert found.metric("demographic_parity_ratio", "none").reason


def test_signed_gaps_have_a_direction() -> None:
    found = rates(
        ["a"] * 40 + ["b"] * 40,
        [True] * 10 + [False] * 30 + [True] * 30 + [False] * 10,
        labels=[True, False] * 40,
        mean=[True, False] * 40,
    )
    value, low, high = numbers(found.signed("selection_rate", 0, 1, "none"))
    assert (value, high < 0) == (-0.5, True)
    assert found.signed("selection_rate", 1, 0, "none").value == 0.5
    change = numbers(found.signed("selection_rate", 0, 1, "mean", "none"))
    assert change[0] == 0.5
    assert change[1] > 0
    odds = found.signed("average_odds", 0, 1, "none").value
    parts = [
        found.rate(kind, "none", 0).value - found.rate(kind, "none", 1).value  # type: ignore[operator]
        for kind in ("true_positive_rate", "false_positive_rate")
    ]
    assert odds == pytest.approx(sum(parts) / 2)
    assert low < value


def test_a_gain_is_the_gap_before_less_the_gap_after() -> None:
    found = rates(
        ["a"] * 60 + ["b"] * 60,
        [True] * 15 + [False] * 45 + [True] * 45 + [False] * 15,
        mean=[True, False] * 60,
    )
    value, low, high = numbers(found.gain("demographic_parity_difference", "none", "mean"))
    assert value == 0.5
    assert 0 < low < value < high
    loss = numbers(found.gain("demographic_parity_difference", "mean", "none"))
    assert loss[0] == -0.5
    assert loss[2] < 0


def test_rules_that_decide_alike_have_the_same_intervals_but_for_none() -> None:
    rng = np.random.default_rng(0)
    one = (rng.random(80) < 0.5).tolist()
    found = rates(["a"] * 40 + ["b"] * 40, one, mean=one, vote=one)
    gaps = [
        found.metric("demographic_parity_difference", rule) for rule in ("none", "mean", "vote")
    ]
    assert gaps[1] == gaps[2]
    assert gaps[0].value == gaps[1].value
    # that nothing changed in 80 rows does not prove that nothing ever does
    gain = numbers(found.gain("demographic_parity_difference", "none", "mean"))
    assert gain[0] == 0.0
    assert gain[1] < 0 < gain[2]


def test_intersections_and_what_is_unknown() -> None:
    race = ["a", "a", "a", "b", "b", "b", None, "b"]
    sex = ["x", "x", "y", "x", "x", "y", "y", "y"]
    found = grouping_of("race & sex", ["race", "sex"], [race, sex])
    assert found.names == ("a & x", "b & x", "b & y")
    assert found.values == (("a", "x"), ("b", "x"), ("b", "y"))
    assert found.alone == ("a & y",)
    assert found.unknown == 1
    assert found.sizes.tolist() == [2, 2, 2]
    assert found.codes.tolist() == [0, 0, -1, 1, 1, 2, -1, 2]


@pytest.mark.parametrize("seed", range(8))
def test_every_interval_holds_its_own_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 120
    found = measure(
        rng.random(n) < 0.5, rng.random(n) < 0.3, rng.choice(["a", "b", "c"], n).tolist(),
        answered=rng.random(n) < 0.9, seed=seed, draws=DRAWS,
    )  # fmt: skip
    for one in found.values():
        value, low, high = numbers(one)
        assert 0 <= low <= value <= high <= 1


@pytest.mark.real
@pytest.mark.parametrize("groups", [2, 5])
@pytest.mark.parametrize(("tpr", "fpr"), [(0.0, 0.0), (0.1, 0.0), (0.3, 0.0), (0.3, 0.2)])
def test_gaps_of_odds_are_covered(groups: int, tpr: float, fpr: float) -> None:
    """300 rows, of which one group is favoured by so much."""
    rng = np.random.default_rng(0)
    truth = {
        "equal_opportunity_difference": tpr,
        "average_odds_difference": (tpr + fpr) / 2,
        "equalized_odds_difference": max(tpr, fpr),
    }
    held = dict.fromkeys(truth, 0)
    times = 500
    for i in range(times):
        group, labels = np.arange(300) % groups, rng.random(300) < 0.5
        rates = np.where(labels, 0.5 + tpr * (group == 0), 0.3 + fpr * (group == 0))
        found = measure(
            labels, rng.random(300) < rates, group.astype(str).tolist(), seed=i, draws=300
        )
        for name, gap in truth.items():
            _, low, high = numbers(found[name])
            held[name] += low - 1e-12 <= gap <= high + 1e-12
    for name, count in held.items():
        assert 0.915 <= count / times <= 0.985, name
