"""The names mean to transformers what they mean here."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch.nn import functional

from leanfair.evaluation.problem_type import ProblemType
from tests.support.tiny_text import bert

IDS = torch.tensor([[3, 4, 5], [6, 7, 8]])
LOSSES = {
    "single_label_classification": (torch.tensor([0, 1]), functional.cross_entropy),
    "multi_label_classification": (
        torch.tensor([[0.0, 1.0], [1.0, 1.0]]),
        functional.binary_cross_entropy_with_logits,
    ),
    "regression": (torch.tensor([[0.5, -1.0], [2.0, 0.0]]), functional.mse_loss),
}


@pytest.mark.parametrize("name", LOSSES)
def test_transformers_computes_the_loss_of_that_name(name: str) -> None:
    labels, loss = LOSSES[name]
    found = bert(problem_type=name)(input_ids=IDS, labels=labels)
    assert torch.allclose(found.loss, loss(found.logits, labels))


def test_there_is_one_more_for_what_has_no_labels() -> None:
    assert {*get_args(ProblemType)} - {*LOSSES} == {"feature_extraction"}
