"""Rates of both models by group: values, paired intervals, exact tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from leanfair.comparison.whom.paired.beside import GAPS, Groups
from leanfair.statistics import Resampling, mcnemar
from tests.support.sides import groups, resampling


def drawn(seed: int, n: int = 240, kinds: int = 3, lost: float = 0.0) -> dict[str, Any]:
    """Labels, decisions of both models, and groups; the child takes back `lost` of the yeses of the
    first group."""
    rng = np.random.default_rng(seed)
    names = np.array([f"g{i % kinds}" for i in range(n)])
    truth = rng.random(n) < 0.5
    parent = np.where(rng.random(n) < 0.8, truth, ~truth)
    child = np.where(rng.random(n) < 0.85, parent, ~parent)
    child &= ~((names == "g0") & (rng.random(n) < lost))
    return {"names": names, "parent": parent, "child": child, "truth": truth}


def made(given: dict[str, Any], how: Resampling | None = None) -> Groups:
    return groups(
        given["names"].tolist(), given["parent"], given["child"], truth=given["truth"], how=how
    )


@pytest.mark.parametrize("seed", range(2))
def test_gaps_of_both_models_and_their_difference_are_fairlearns(seed: int) -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    given = drawn(seed)
    found = made(given)
    measures = {
        "demographic_parity_difference": fairlearn.demographic_parity_difference,
        "equal_opportunity_difference": fairlearn.equal_opportunity_difference,
        "equalized_odds_difference": fairlearn.equalized_odds_difference,
        "average_odds_difference": lambda *a, **k: fairlearn.equalized_odds_difference(
            *a, **k, agg="mean"
        ),
        "accuracy_difference": lambda y, p, sensitive_features: fairlearn.MetricFrame(
            metrics=lambda t, q: float((t == q).mean()),
            y_true=y,
            y_pred=p,
            sensitive_features=sensitive_features,
        ).difference(),
    }
    assert measures.keys() == GAPS.keys()
    for name, measure in measures.items():
        parent, child = (
            measure(given["truth"], given[side], sensitive_features=given["names"])
            for side in ("parent", "child")
        )
        gap = found.gap(name)
        assert [one.value for one in gap] == pytest.approx([parent, child, child - parent])
        assert all(one.low <= one.value <= one.high for one in gap)  # type: ignore[operator]


@pytest.mark.parametrize("rate", ["selection_rate", "true_positive_rate", "accuracy"])
def test_a_group_and_the_rest_are_counted_by_hand(rate: str) -> None:
    given = drawn(7)
    found = made(given)
    hits = {
        side: given[side] == given["truth"] if rate == "accuracy" else given[side]
        for side in ("parent", "child")
    }
    among = given["truth"] if rate == "true_positive_rate" else np.ones(240, bool)
    for g, name in enumerate(["g0", "g1", "g2"]):
        here = among & (given["names"] == name)
        there = among & (given["names"] != name)
        one = found.group(rate, g)
        lost = int((here & hits["parent"] & ~hits["child"]).sum())
        won = int((here & ~hits["parent"] & hits["child"]).sum())
        change = hits["child"][here].mean() - hits["parent"][here].mean()
        rest = hits["child"][there].mean() - hits["parent"][there].mean()
        assert (one.n, one.lost, one.won) == (here.sum(), lost, won)
        assert one.change.interval.value == pytest.approx(change)
        assert one.change.p == pytest.approx(mcnemar(lost, won))
        assert found.against_rest(rate, g).interval.value == pytest.approx(change - rest)


def test_the_bootstrap_is_paired_as_one_by_brute_force() -> None:
    given = drawn(1, n=300, lost=0.2)
    found = made(given, resampling(300, 4000))
    moved = given["child"].astype(int) - given["parent"]
    parts = [moved[given["names"] == "g0"], moved[given["names"] != "g0"]]
    rng = np.random.default_rng(5)
    means = np.array(
        [
            [part[rng.integers(0, len(part), len(part))].mean() for part in parts]
            for _ in range(4000)
        ]
    )
    own, apart = found.group("selection_rate", 0).change, found.against_rest("selection_rate", 0)
    for one, drawn_ones in ((own, means[:, 0]), (apart, means[:, 0] - means[:, 1])):
        assert one.error == pytest.approx(drawn_ones.std(), rel=0.1)
        low, high = np.quantile(drawn_ones, [0.025, 0.975])
        assert one.interval.low == pytest.approx(low, abs=0.025)
        assert one.interval.high == pytest.approx(high, abs=0.025)


def test_rows_that_belong_together_carry_no_more_than_one() -> None:
    given = drawn(2, n=120, lost=0.6)
    twice = {name: np.repeat(values, 4) for name, values in given.items()}
    alone = made(given, resampling(120, 3000))
    together = made(twice, Resampling(np.repeat(np.arange(120), 4), 0, 3000))
    one = alone.against_rest("selection_rate", 0)
    other = together.against_rest("selection_rate", 0)
    assert other.interval.value == pytest.approx(one.interval.value)
    assert other.error == pytest.approx(one.error, rel=0.12)
    first, second = (each.group("selection_rate", 0).change for each in (alone, together))
    assert second.p == pytest.approx(first.p)
    assert 0.7 * one.p < other.p < 3 * one.p  # that of the bootstrap


def test_unknown_groups_are_in_no_rate_of_groups_but_in_that_of_all() -> None:
    given = drawn(3)
    given["names"] = np.where(np.arange(240) < 24, "?", given["names"])
    names = [None if name == "?" else name for name in given["names"].tolist()]
    found = groups(names, given["parent"], given["child"])  # type: ignore[arg-type]
    assert found.grouping.unknown == 24
    assert sum(found.group("selection_rate", g).n for g in range(3)) == 216
    assert found.overall("selection_rate").n == 240


def test_what_cannot_be_said_has_a_reason() -> None:
    given = drawn(4)
    given["truth"] = given["truth"] & (given["names"] != "g1")
    found = made(given)
    assert "no row" in found.group("true_positive_rate", 1).parent.reason
    assert "no row" in found.gap("equal_opportunity_difference")[2].reason
    assert found.gap("demographic_parity_difference")[2].value is not None
    silent = replace(found, silent={0: "nobody answered"})
    assert silent.against_rest("selection_rate", 0).interval.reason == "nobody answered"
    assert silent.against_rest("selection_rate", 1).interval.value is not None
    same = groups(given["names"].tolist(), given["parent"], given["parent"])
    assert same.against_rest("selection_rate", 0).p is None
