"""What a classifier gets right, held against scikit-learn's figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score
from torch import nn

from leanfair.errors import InputError
from leanfair.evaluation import accuracy
from leanfair.evaluation.answers import Answers, answers, change, names_of
from leanfair.evaluation.problem import Problem
from tests.support.nets import resnet

SAME = nn.Identity()
SINGLE = Problem()
MULTI = Problem("multi_label_classification")


def _drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_one_class_among_several_is_counted_as_scikit_learn_does() -> None:
    logits, labels = _drawn(200, 4), torch.arange(200) ** 2 % 4
    found = answers(SAME, [(logits[:90], labels[:90]), (logits[90:], labels[90:])], SINGLE)
    guess = logits.argmax(1)
    assert found.accuracy == pytest.approx(accuracy_score(labels, guess))
    recall = recall_score(labels, guess, average=None, labels=[0, 1])
    assert found.by_class[:2].tolist() == pytest.approx(recall)
    assert found.by_class[2:].isnan().all()  # no sample is of these classes
    assert found.balanced == pytest.approx(np.mean(recall))


def test_several_labels_are_right_where_all_of_a_sample_are() -> None:
    logits, labels = _drawn(200, 3), (_drawn(200, 3, seed=1) > 0.8).float()
    found = answers(SAME, [(logits, labels)], MULTI)
    guess = (logits > 0).numpy()
    assert found.accuracy == pytest.approx(accuracy_score(labels.numpy(), guess))
    each = [balanced_accuracy_score(labels[:, k].numpy(), guess[:, k]) for k in range(3)]
    assert found.by_class.tolist() == pytest.approx(each)
    assert found.balanced == pytest.approx(np.mean(each))


@pytest.mark.parametrize("shape", [(100, 1), (100,)])
def test_a_single_logit_tells_two_classes(shape: tuple[int, ...]) -> None:
    logits, labels = _drawn(*shape), (_drawn(100, seed=1) > 0.5).long()
    found = answers(SAME, [(logits, labels)], MULTI)
    guess = logits.flatten() > 0
    assert found.accuracy == pytest.approx(accuracy_score(labels, guess))
    recall = recall_score(labels, guess, average=None)
    assert found.by_class.tolist() == pytest.approx(recall)


def test_every_pixel_and_token_with_a_label_is_an_answer() -> None:
    maps, labels = _drawn(6, 3, 4, 4), torch.arange(96).reshape(6, 4, 4) % 3
    labels[0, 0, :2] = -100
    found = answers(SAME, [(maps, labels)], SINGLE)
    asked = labels != -100
    right = (maps.argmax(1) == labels) & asked
    assert found.asked.tolist() == [14, 16, 16, 16, 16, 16]
    assert found.accuracy == pytest.approx(float(right.sum() / asked.sum()))
    tokens = maps.flatten(2).transpose(1, 2)
    assert answers(SAME, [(tokens, labels.flatten(1))], SINGLE).accuracy == found.accuracy


def test_the_change_of_single_answers_is_that_of_accuracy() -> None:
    labels = torch.arange(50) % 2
    one, two = (answers(SAME, [(_drawn(50, 2, seed=s), labels)], SINGLE) for s in (1, 2))
    assert change(one, two) == accuracy.change(one.right > 0, two.right > 0)


def test_the_interval_of_several_answers_takes_samples_as_drawn_together() -> None:
    """Each sample says one thing many times over: its interval is that of as many single ones."""
    before, after = torch.rand(2, 40, generator=torch.Generator().manual_seed(0)).round()
    none = torch.zeros(2, 4, dtype=torch.float64)

    def many(right: torch.Tensor, times: int) -> Answers:
        asked = torch.full((40,), float(times), dtype=torch.float64)
        return Answers(times * right.double(), asked, none)

    found, wide = (change(many(before, n), many(after, n)) for n in (2, 100))
    assert (found.low, found.high) == pytest.approx((wide.low, wide.high))
    single = change(many(before, 1), many(after, 1))
    assert found.high - found.low == pytest.approx(single.high - single.low, rel=0.1)
    assert (found.lost, found.gained) == (single.lost, single.gained)
    lonely = change(
        *(
            Answers(*(v[:1] for v in (x.right, x.asked)), none)
            for x in (many(before, 2), many(after, 2))
        )
    )
    assert math.isfinite(lonely.low)


def test_classes_are_called_as_data_or_configuration_call_them() -> None:
    class Data:
        classes = ("cat", "dog")

    class Loader:
        dataset = Data()

    assert names_of(SAME, Loader(), 2) == ["cat", "dog"]
    assert names_of(SAME, Loader(), 3) == ["0", "1", "2"]
    assert names_of(resnet(), None, 3)[1] == "LABEL_1"


def test_what_cannot_be_measured_is_told() -> None:
    with pytest.raises(InputError, match="Batch 1 has no labels"):
        answers(SAME, [torch.zeros(2, 3)], SINGLE)
    with pytest.raises(InputError, match="label of batch 2 is 3"):
        answers(SAME, [(torch.zeros(1, 3), [0]), (torch.zeros(1, 3), [3])], SINGLE)
    with pytest.raises(InputError, match="NaN in batch 1"):
        answers(SAME, [(torch.full((1, 3), math.nan), [0])], SINGLE)
    with pytest.raises(InputError, match="Not a single answer"):
        answers(SAME, [(torch.zeros(1, 2, 3), torch.full((1, 2), -100))], SINGLE)
