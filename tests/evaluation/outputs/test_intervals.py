"""Intervals of a ratio of sums over samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import ttest_1samp

from leanfair.evaluation.outputs.intervals import ratio_of


def test_of_one_answer_a_sample_it_is_student_s_interval() -> None:
    values = torch.tensor(np.random.default_rng(0).normal(size=30))
    found = ratio_of(values, torch.ones(30, dtype=torch.float64), -9, 9)
    bounds = ttest_1samp(values.numpy(), 0).confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx((float(values.mean()), *bounds))


def test_samples_that_count_for_nothing_change_nothing() -> None:
    sums, counts = torch.tensor([2.0, 3.0, 1.0]).double(), torch.tensor([4.0, 5.0, 2.0]).double()
    more = torch.cat([sums, torch.zeros(4)]), torch.cat([counts, torch.zeros(4)])
    assert ratio_of(*more, 0, 1) == ratio_of(sums, counts, 0, 1)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        counts = rng.integers(1, 30, size=60)
        sums = rng.binomial(counts, 0.3)
        found = ratio_of(torch.tensor(sums).double(), torch.tensor(counts).double(), 0, 1)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.3 <= found.high
    assert 0.91 < hits / 400 < 0.98


def test_one_sample_and_none_have_no_bounds() -> None:
    one = torch.ones(1, dtype=torch.float64)
    assert ratio_of(one, 2 * one, 0, 1).low is None
    assert ratio_of(0 * one, 0 * one, 0, 1).value is None
