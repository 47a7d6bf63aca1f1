"""The divergence between the outputs of two networks, exact and in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.data.batches import Batch
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria import divergence
from leanfair.pruning.criteria.divergence import (
    changed_kl,
    divergences,
    solved_by,
    total_divergence,
    total_kl,
)
from leanfair.pruning.types import Anatomy
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


SINGLE = Problem("single_label_classification")


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.1, 1.0, 8.0])
def test_kl_of_changed_logits_in_single_precision_is_that_in_double(size):
    generator = torch.Generator().manual_seed(1)
    whole = 3.0 * torch.randn(12, 5000, generator=generator)
    whole[:, :2] += 12.0
    without = whole + size * torch.randn(whole.shape, generator=generator)
    expected = torch.stack(
        [torch.tensor(total_kl(p[None], q[None])) for p, q in zip(without, whole, strict=True)]
    )
    for offset in (0.0, 7.0):  # a common shift of all classes changes nothing
        found = changed_kl(without + offset, whole)
        assert found.dtype == torch.float64
        torch.testing.assert_close(found.float(), expected.float(), rtol=5e-3, atol=1e-9)
        assert float(found.sum()) == pytest.approx(float(expected.sum()), rel=1e-3)
    assert bool((changed_kl(whole, whole) == 0.0).all())


def test_kl_of_changed_logits_that_single_precision_cannot_hold(monkeypatch):
    inf = float("inf")
    whole = torch.tensor([[0.0, 1.0, -inf], [0.0, 0.0, 0.0], [0.0, 1.0, -inf], [200.0, 0.0, 0.0]])
    without = torch.tensor([[1.0, 0.0, -inf], [0.0, 1.0, -inf], [0.0] * 3, [0.0, 150.0, 0.0]])
    rows = zip(without.split(1), whole.split(1), strict=True)
    expected = [total_kl(p, q) for p, q in rows]
    assert expected[2] == inf
    for at_once in (1, 6, 1000):
        monkeypatch.setattr(divergence, "_NEAR", at_once)
        assert changed_kl(without, whole).tolist() == pytest.approx(expected)


def test_the_divergences_of_a_vocabulary_are_those_of_any_classes(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    without, whole = torch.randn(2, 6, 40, generator=generator, dtype=torch.float64)
    plain = divergences(SINGLE, without, whole)
    monkeypatch.setattr(divergence, "_WORDS", 40)
    assert divergences(SINGLE, without, whole).tolist() == pytest.approx(plain.tolist(), rel=1e-9)


MULTI, NUMBERS = Problem("multi_label_classification"), Problem("regression")


def test_the_divergence_of_yes_or_no_answers_is_the_sum_of_that_of_two_classes():
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    both = [torch.stack([x.flatten(), torch.zeros(15)], dim=1) for x in (a, b)]
    assert total_divergence(MULTI, a, b) == pytest.approx(total_kl(*both))
    assert total_divergence(MULTI, a, a) == 0.0


def test_the_divergence_of_numbers_is_half_the_squared_difference():
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    expected = float((a.double() - b.double()).square().sum()) / 2
    assert total_divergence(NUMBERS, a, b) == pytest.approx(expected)
    column = a[:, :1]
    assert total_kl(column, b[:, :1]) == 0.0  # a softmax over one output tells nothing


def test_each_pixel_of_a_map_of_classes_is_a_row():
    a, b = torch.randn(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    rows = [x.movedim(1, -1).reshape(-1, 3) for x in (a, b)]
    assert total_divergence(Problem(), a, b) == pytest.approx(total_kl(*rows))


@pytest.mark.parametrize("asked", ["regression", "multi_label_classification"])
def test_what_the_anatomy_tells_goes_before_the_shape(asked):
    told = Anatomy((), (), (), (), "", {}, problem=Problem(asked, "asked"))
    model = torch.nn.Linear(2, 1)
    assert solved_by(model, told, [Batch(torch.zeros(2, 2))]).type == asked
    bare = Anatomy((), (), (), (), "", {})
    labelled = [Batch(torch.zeros(2, 2), torch.tensor([0, 1]))]
    assert solved_by(model, bare, labelled).type == "multi_label_classification"
