"""Our numbers beside those of fairlearn, scipy and statsmodels."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest

from leanfair.statistics import benjamini_hochberg, fisher, mcnemar, paired_test, rate_interval
from tests.support.groups import measure

fairlearn = pytest.importorskip("fairlearn.metrics")


def table(seed: int, groups: int) -> tuple[Any, Any, list[str]]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30 * groups, 60 * groups))
    names = [f"group {g}" for g in rng.integers(0, groups, n)]
    return rng.random(n) < rng.uniform(0.3, 0.7), rng.random(n) < rng.uniform(0.2, 0.8), names


@pytest.mark.parametrize("groups", [2, 3, 6])
@pytest.mark.parametrize("seed", range(8))
def test_metrics_equal_fairlearns(seed: int, groups: int) -> None:
    labels, decisions, names = table(seed, groups)
    found = measure(labels, decisions, names, draws=100)
    given = {"y_true": labels, "y_pred": decisions, "sensitive_features": names}
    expected = {
        "demographic_parity_difference": fairlearn.demographic_parity_difference(**given),
        "demographic_parity_ratio": fairlearn.demographic_parity_ratio(**given),
        "equal_opportunity_difference": fairlearn.equal_opportunity_difference(**given),
        "equalized_odds_difference": fairlearn.equalized_odds_difference(**given),
        "average_odds_difference": fairlearn.equalized_odds_difference(**given, agg="mean"),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_metrics_among_answered_equal_fairlearns_on_those_rows() -> None:
    labels, decisions, names = table(3, 3)
    answered = np.random.default_rng(0).random(len(names)) < 0.8
    found = measure(labels, decisions, names, answered=answered, among="answered", draws=100)
    kept = np.flatnonzero(answered)
    value = fairlearn.equalized_odds_difference(
        labels[kept], decisions[kept], sensitive_features=[names[i] for i in kept]
    )
    assert found["equalized_odds_difference"].value == pytest.approx(value, abs=1e-12)


def test_exact_tests_equal_statsmodels_and_what_they_are_by_definition() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    rng = np.random.default_rng(0)
    for a, b, c, d in rng.integers(0, 40, (50, 4)).tolist():
        expected = tables.mcnemar([[c, a], [b, d]], exact=True).pvalue if a + b else 1.0
        assert mcnemar(a, b) == pytest.approx(min(1.0, expected), abs=1e-12)
        differences = [1] * a + [-1] * b + [0] * c
        assert paired_test(differences, range(a + b + c)) == mcnemar(a, b)
        assert fisher(a, b, c, d) == pytest.approx(_fisher(a, b, c, d), rel=1e-9, abs=1e-12)


def _fisher(a: int, b: int, c: int, d: int) -> float:
    """The chance of all tables with these margins that are no likelier than this one."""
    rows, others, chosen = a + b, c + d, a + c
    ways = [
        comb(rows, k) * comb(others, chosen - k)
        for k in range(max(0, chosen - others), min(rows, chosen) + 1)
    ]
    own = comb(rows, a) * comb(others, c)
    return sum(way for way in ways if way <= own) / sum(ways)


def test_adjusted_p_values_and_wilsons_interval_equal_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    p = np.random.default_rng(0).random(30) ** 3
    expected = multitest.multipletests(p, method="fdr_bh")[1]
    assert benjamini_hochberg(p.tolist()) == pytest.approx(expected.tolist(), abs=1e-12)
    for hits in (0, 1, 7, 20):
        found = rate_interval(np.arange(20) < hits, np.ones(20), np.arange(20))
        low, high = proportion.proportion_confint(hits, 20, method="wilson")
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
