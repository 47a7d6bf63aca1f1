"""Paired intervals: against the formula of matched pairs, a count by hand, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from leanfair.evaluation.accuracy import change
from leanfair.evaluation.robustness.intervals import difference, kept, relative_error


def pairs(n: int, seed: int, old: float = 0.7, drop: float = 0.1) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    before = rng.random(n) < old
    after = np.where(rng.random(n) < drop / old, False, before)
    return torch.from_numpy(before), torch.from_numpy(after)


@pytest.mark.parametrize("n", [3, 40, 500])
def test_of_yes_and_no_it_is_the_interval_of_matched_pairs(n: int) -> None:
    before, after = pairs(n, seed=n)
    ours, known = difference(before, after), change(before, after)
    assert ours.value == pytest.approx(known.after - known.before)
    assert ours.low == pytest.approx(min(known.low, ours.value), abs=1e-6)
    assert ours.high == pytest.approx(max(known.high, ours.value), abs=1e-6)


def test_equal_answers_leave_some_doubt() -> None:
    same = torch.ones(200, dtype=torch.bool)
    found = difference(same, same)
    assert found.low < 0 < found.high
    assert difference(same, same, 0.999).high > found.high


def test_the_interval_of_means_covers_the_true_change() -> None:
    inside = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        skill = rng.beta(4, 2, 120)
        before = rng.binomial(5, skill) / 5
        after = rng.binomial(5, np.clip(skill - 0.1, 0, 1)) / 5
        true = float(np.mean(np.clip(skill - 0.1, 0, 1) - skill))
        found = difference(torch.from_numpy(before), torch.from_numpy(after))
        inside += found.low <= true <= found.high
    assert inside / 400 > 0.93


def test_what_stays_right_is_a_share_of_what_was() -> None:
    clean = torch.tensor([1, 1, 1, 1, 0, 0]).bool(), torch.tensor([1, 1, 0, 0, 1, 1]).bool()
    right = torch.tensor([1, 1, 1, 0, 1, 1]).bool(), torch.tensor([1, 0, 1, 1, 0, 0]).bool()
    found = kept(clean, right)
    assert found is not None
    assert (found.before, found.after) == (pytest.approx(3 / 4), pytest.approx(1 / 4))
    assert found.low < found.value < found.high
    assert kept((torch.zeros(6).bool(), clean[1]), right) is None


def test_the_interval_of_what_stays_right_is_as_wide_as_a_bootstrap_s() -> None:
    rng = np.random.default_rng(0)
    n = 400
    clean = [rng.random(n) < 0.9 for _ in range(2)]
    right = [rng.random(n) < share for share in (0.5, 0.6)]
    found = kept(tuple(map(torch.from_numpy, clean)), tuple(map(torch.from_numpy, right)))  # type: ignore[arg-type]
    assert found is not None
    drawn = []
    for _ in range(1500):
        rows = rng.integers(0, n, n)
        old, new = ((r & c)[rows].sum() / c[rows].sum() for c, r in zip(clean, right, strict=True))
        drawn.append(new - old)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.high - found.low == pytest.approx(high - low, rel=0.12)


def test_the_mean_corruption_error_is_that_of_a_count_by_hand() -> None:
    rng = np.random.default_rng(1)
    before, after = (torch.from_numpy(rng.random((3, 2, 50)) < s) for s in (0.6, 0.5))
    found = relative_error(before, after)
    by_hand = [float((~after[c]).sum() / (~before[c]).sum()) for c in range(3)]
    assert found.each == pytest.approx(by_hand)
    assert found.value == pytest.approx(np.mean(by_hand))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert relative_error(before, before).low == pytest.approx(1.0)


def test_a_parent_without_errors_has_no_relative_one() -> None:
    perfect = torch.ones(2, 1, 30, dtype=torch.bool)
    worse = perfect.clone()
    worse[0, 0, :5] = False
    found = relative_error(perfect, worse)
    assert (found.value, found.low, found.each) == (None, None, (None, None))
    mixed = relative_error(worse, worse)
    assert mixed.each == (1.0, None)
    assert mixed.value == 1.0
