"""The error of a regression and the similarity of representations."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import spearmanr, ttest_rel
from torch import nn

from leanfair.errors import InputError
from leanfair.evaluation.numbers import (
    cosine,
    error_change,
    errors,
    representations,
    similarity_change,
)
from leanfair.evaluation.problem import Problem

SAME = nn.Identity()
NUMBERS = Problem("regression")


def _drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_error_of_a_sample_is_the_mean_square_over_its_outputs() -> None:
    out, labels = _drawn(10, 3), _drawn(10, 3, seed=1)
    found = errors(SAME, [(out[:4], labels[:4]), (out[4:], labels[4:])], NUMBERS)
    assert torch.allclose(found, (out - labels).square().mean(1).double())
    column = errors(SAME, [(out[:, :1], labels[:, 0])], NUMBERS)  # [n] beside [n, 1]
    assert torch.allclose(column, (out[:, 0] - labels[:, 0]).square().double())


def test_its_change_has_the_paired_interval_of_student() -> None:
    before, after = _drawn(30).double().square(), _drawn(30, seed=1).double().square()
    found = error_change(before, after)
    interval = ttest_rel(after, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert error_change(before[:1], after[:1]).low is None


def test_what_has_no_error_is_told() -> None:
    with pytest.raises(InputError, match="Batch 1 has no labels"):
        errors(SAME, [torch.zeros(2, 1)], NUMBERS)
    with pytest.raises(InputError, match="not finite in batch 1"):
        errors(SAME, [(torch.full((1, 1), math.inf), [1.0])], NUMBERS)


class _Tokens(nn.Module):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return input_ids[..., None].float().expand(-1, -1, 2)


def test_a_representation_by_tokens_is_their_mean_without_padding() -> None:
    batch = {
        "input_ids": torch.tensor([[1, 3, 50], [2, 2, 2]]),
        "attention_mask": torch.tensor([[1, 1, 0], [1, 1, 1]]),
    }
    assert representations(_Tokens(), [batch]).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    images = _drawn(4, 3, 2, 2)
    assert torch.equal(representations(SAME, [images]), images.flatten(1))


def test_similarity_is_a_cosine_and_the_order_of_all_pairs() -> None:
    one, two = _drawn(12, 5), _drawn(12, 5) + 0.3 * _drawn(12, 5, seed=1)
    found = similarity_change(one, two)
    assert found.after == pytest.approx(cosine(one, two))
    assert 0.5 < found.after < 1.0
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12)]
    alike = [
        [float(torch.cosine_similarity(x[i], x[j], dim=0)) for i, j in pairs] for x in (one, two)
    ]
    assert found.rank_correlation == pytest.approx(spearmanr(*alike).statistic)
    assert similarity_change(one, 3 * one).after == pytest.approx(1.0)
    assert similarity_change(one[:2], two[:2]).rank_correlation is None
