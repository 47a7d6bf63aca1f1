"""What outputs mean: asked, or read off configuration, labels and shape; labels brought to it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem, classes_in, fitted, problem_of, rows_of
from tests.support.nets import resnet

MODEL = nn.Linear(2, 2)
SINGLE = "single_label_classification"
MULTI = "multi_label_classification"


def _labelled(labels: Any) -> list[Batch]:
    return [Batch(torch.zeros(len(labels), 2), torch.as_tensor(labels))]


@pytest.mark.parametrize(
    ("shape", "labels", "meant"),
    [
        ((2, 5), [0, 4], SINGLE),
        ((2, 5), [[0], [4]], SINGLE),
        ((2, 5), [0.0, 4.0], SINGLE),
        ((2, 3), [[0, 1, 0], [1, 0, 0]], SINGLE),
        ((2, 3), [[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]], SINGLE),
        ((2, 3), [[0, 1, 1], [1, 0, 0]], MULTI),
        ((2, 3), [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]], MULTI),
        ((2, 3), [[0.5, -1.0, 2.0], [3.5, 0.0, 1.0]], "regression"),
        ((2, 1), [0, 1], MULTI),
        ((2, 1), [0.0, 1.0], MULTI),
        ((2, 1), [[0.3], [7.0]], "regression"),
        ((2,), [0.3, 7.0], "regression"),
        ((2,), [True, False], MULTI),
        ((2, 7, 5), torch.zeros(2, 7, dtype=torch.int64), SINGLE),
        ((2, 4, 3, 3), torch.zeros(2, 3, 3, dtype=torch.int64), SINGLE),
        ((2, 1, 3, 3), torch.zeros(2, 1, 3, 3), MULTI),
        ((2, 4, 3, 3), torch.rand(2, 4, 3, 3), "regression"),
    ],
)
def test_labels_show_what_the_outputs_mean(shape: tuple[int, ...], labels: Any, meant: str) -> None:
    outputs = torch.zeros(shape)
    found = problem_of(MODEL, outputs, _labelled(labels))
    assert found == Problem(meant, "labels")  # type: ignore[arg-type]
    brought = fitted(found, torch.as_tensor(labels), outputs)
    if meant == SINGLE and not brought.is_floating_point():
        assert brought.numel() == len(rows_of(outputs))
    else:
        assert brought.shape == outputs.shape


@pytest.mark.parametrize(
    ("shape", "meant"),
    [((4, 3), SINGLE), ((4, 1), "regression"), ((4,), "regression"), ((4, 2, 8, 8), "regression")],
)
def test_without_labels_the_shape_suggests_it(shape: tuple[int, ...], meant: str) -> None:
    assert problem_of(MODEL, torch.zeros(shape)) == Problem(meant, "outputs")  # type: ignore[arg-type]


def test_a_model_without_a_head_represents_its_inputs_whatever_their_classes() -> None:
    model = BertModel(BertConfig(hidden_size=8, num_attention_heads=2, intermediate_size=8))
    for labelled in ([], _labelled([0, 1])):
        found = problem_of(model, torch.zeros(2, 5, 8), labelled)
        assert found == Problem("feature_extraction", "outputs")


def test_what_is_asked_goes_before_the_configuration_and_that_before_labels() -> None:
    model: Any = resnet()
    model.config.problem_type = MULTI
    labelled = _labelled([0, 1, 2])
    outputs = torch.zeros(3, 3)
    assert problem_of(model, outputs, labelled) == Problem(MULTI, "configuration")
    asked = problem_of(model, outputs, labelled, "regression")
    assert asked == Problem("regression", "asked")


@pytest.mark.parametrize(
    ("problem", "labels", "told"),
    [
        (SINGLE, [0, 5], "is 5, but the model has the classes 0 to 2"),
        (SINGLE, [0.5, 1.0], "not all are whole numbers"),
        (SINGLE, [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "multi_label_classification"),
        (SINGLE, [[0, 1], [1, 0]], "the number of a class each"),
        (MULTI, [[0.0, 2.0, 1.0], [0.0, 0.0, 0.0]], "are 0 and 1, but one is 2"),
        (MULTI, [0, 1], "give one number for each output"),
        ("regression", [0.5, 1.0], "give one number for each output"),
        ("feature_extraction", [0, 1], "distill=1"),
    ],
)
def test_labels_that_do_not_fit_are_told(problem: Any, labels: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        fitted(Problem(problem), torch.tensor(labels), torch.zeros(2, 3))
    with pytest.raises(InputError, match="no whole numbers"):
        problem_of(MODEL, torch.zeros(2, 3), _labelled([0.5, 1.5]))


def test_classes_that_are_not_last_are_told_how_to_be() -> None:
    with pytest.raises(InputError, match=r"transpose\(1, 2\), classes last"):
        fitted(Problem(), torch.zeros(2, 9, dtype=torch.int64), torch.zeros(2, 3, 9))


def test_as_many_tokens_as_classes_are_tokens_all_the_same() -> None:
    labels = torch.zeros(2, 9, dtype=torch.int64)
    assert torch.equal(fitted(Problem(), labels, torch.zeros(2, 9, 9)), labels)


def test_each_token_and_each_pixel_is_a_row_of_classes() -> None:
    def numbered(*shape: int) -> Tensor:
        return torch.arange(float(torch.tensor(shape).prod())).reshape(shape)

    pixels = numbered(2, 3, 4, 5)
    assert classes_in(pixels) == 3
    assert torch.equal(rows_of(pixels)[1], pixels[0, :, 0, 1])
    tokens = numbered(2, 4, 3)
    assert classes_in(tokens) == 3
    assert torch.equal(rows_of(tokens)[5], tokens[1, 1])
