"""The calibration error, against a count by hand and what is known of coins."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from leanfair.evaluation.outputs.calibration import (
    BINS,
    Calibration,
    calibration_of,
    error_difference,
)


def coins(n: int, seed: int, lift: float = 0.0) -> Calibration:
    """Guesses that are right as often as they are sure, or less often by `lift`."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.5, 1.0, size=n)
    return Calibration(sure, rng.uniform(size=n) < sure - lift)


def by_hand(found: Calibration) -> float:
    total = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        here = [i for i, c in enumerate(found.confidence) if low < c <= high or (number == c == 0)]
        if here:
            gap = np.mean(found.confidence[here]) - np.mean(found.right[here])
            total += len(here) / len(found.right) * abs(gap)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_that_of_a_count_by_hand(seed: int) -> None:
    found = coins(200, seed, lift=0.1)
    assert found.error == pytest.approx(by_hand(found))
    assert sum(each.samples for each in found.bins) == 200


def test_one_who_is_always_sure_and_half_right_errs_by_half() -> None:
    found = Calibration(np.ones(10), np.arange(10) % 2 == 0)
    assert found.error == 0.5


def test_confidence_is_the_probability_of_the_top_answer() -> None:
    logits = torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    found = calibration_of(logits, torch.tensor([1, 1]))
    assert found.confidence == pytest.approx([0.880797, 0.731059], abs=1e-6)
    assert found.right.tolist() == [True, False]


def test_the_interval_is_seeded_and_holds_zero_for_twins() -> None:
    one, other = coins(500, 0), coins(500, 0, lift=0.2)
    assert error_difference(one, one, 0).value == 0
    assert error_difference(one, one, 0).high == 0
    found = error_difference(one, other, 0)
    assert found == error_difference(one, other, 0)
    assert found != error_difference(one, other, 1)
    assert found.low is not None
    assert found.low > 0
