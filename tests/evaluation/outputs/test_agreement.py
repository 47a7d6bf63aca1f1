"""How far two networks agree, against scipy and by hand."""

from __future__ import annotations

import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from leanfair.evaluation.outputs.agreement import agreement
from leanfair.evaluation.problem import Problem


def logits(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_classes_are_compared_as_scipy_does() -> None:
    one, other = logits(0, 50, 5), logits(1, 50, 5)
    found = agreement(one, other, Problem())
    p, q = softmax(one.double().numpy(), axis=1), softmax(other.double().numpy(), axis=1)
    assert found.kl.value == pytest.approx(entropy(p, q, axis=1).mean())
    assert found.same.value == pytest.approx((p.argmax(1) == q.argmax(1)).mean())


def test_several_labels_are_compared_as_so_many_coins() -> None:
    problem = Problem("multi_label_classification")
    one, other = logits(0, 40, 3), logits(1, 40, 3)
    found = agreement(one, other, problem)
    p, q = one.double().sigmoid().numpy(), other.double().sigmoid().numpy()
    each = entropy([p, 1 - p], [q, 1 - q], axis=0).sum(axis=1)
    assert found.kl.value == pytest.approx(each.mean())
    assert found.same.value == pytest.approx(((p > 0.5) == (q > 0.5)).all(axis=1).mean())


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification"])
def test_a_network_agrees_with_itself(kind: str) -> None:
    one = 80 * logits(0, 20, 4)  # as sure as can be
    found = agreement(one, one.clone(), Problem(kind))  # type: ignore[arg-type]
    assert (found.same.value, found.kl.value) == (1.0, 0.0)
    assert found.same.low is not None
    assert found.same.low < 1
