"""The divergence between the outputs of two networks, exact and in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.pruning.criteria import divergence
from leanfair.pruning.criteria.divergence import total_kl
from tests.support.oracles import loops

LOGITS = st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.integers(0, 1000))
def test_kl_is_never_negative_nothing_for_equals_and_blind_to_a_common_offset(rows, seed):
    a = torch.tensor(rows, dtype=torch.float64)
    b = torch.randn(a.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert total_kl(a, b) >= 0.0
    assert total_kl(a, a) == 0.0
    assert total_kl(a + 5.0, b - 3.0) == pytest.approx(total_kl(a, b), rel=1e-9, abs=1e-12)
    expected = len(a) * loops.kl(a.numpy(), b.numpy())
    assert total_kl(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_kl_is_that_of_without_to_with_and_not_the_other_way_round():
    without, whole = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([[0.5, 0.5]]).log()
    assert total_kl(without, whole) == pytest.approx(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    assert total_kl(whole, without) == pytest.approx(0.5 * np.log(5 / 9) + 0.5 * np.log(5))


def test_kl_of_classes_that_are_ruled_out():
    inf = float("inf")
    ruled_out = torch.tensor([[0.0, 1.0, -inf]])
    assert total_kl(ruled_out, torch.tensor([[1.0, 0.0, -inf]])) > 0.0
    assert total_kl(ruled_out, ruled_out) == 0.0
    assert np.isfinite(total_kl(ruled_out, torch.zeros(1, 3)))
    assert total_kl(torch.zeros(1, 3), ruled_out) == inf


def test_kl_does_not_depend_on_how_much_is_in_double_precision_at_once(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 7, 11, generator=generator)
    whole = total_kl(a, b)
    for size in (1, 11, 25, 1000):
        monkeypatch.setattr(divergence, "_AT_ONCE", size)
        assert total_kl(a, b) == pytest.approx(whole, rel=1e-12)
