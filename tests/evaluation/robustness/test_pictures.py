"""Images in pixels: the normalisation is undone and redone, and what is no image is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.evaluation.robustness.pictures import (
    Network,
    drawn_pictures,
    is_right,
    why_no_pictures,
)
from tests.support.pictures import MEAN, STD, images, network


def test_pixels_come_back_to_the_last_level() -> None:
    data = images(10)
    drawn = drawn_pictures(data, 10, mean=MEAN, std=STD)
    assert torch.equal((255 * drawn.pixels).round().to(torch.uint8), data.pixels)
    assert drawn.rows == tuple(range(10))


@pytest.mark.parametrize("form", ["images", "dataset", "loader", "batches", "dicts"])
def test_the_same_images_are_drawn_from_every_form_of_the_data(form: str) -> None:
    data = images(20)
    inputs, labels = data.take(torch.arange(20), torch.Generator())
    labels = torch.arange(20)
    forms: dict[str, Any] = {
        "images": data,
        "dataset": TensorDataset(inputs, labels),
        "loader": DataLoader(TensorDataset(inputs, labels), batch_size=3),
        "batches": [(inputs[:7], labels[:7]), (inputs[7:], labels[7:])],
        "dicts": [{"pixel_values": inputs, "labels": labels}],
    }
    drawn = drawn_pictures(forms[form], 6, mean=MEAN, std=STD, seed=4)
    wanted = drawn_pictures(data, 6, mean=MEAN, std=STD, seed=4)
    assert drawn.rows == wanted.rows
    assert torch.allclose(drawn.pixels, wanted.pixels, atol=1e-6)
    assert drawn.key == ("pixel_values" if form == "dicts" else None)
    if form != "images":
        assert drawn.labels.tolist() == list(drawn.rows)


def test_other_seeds_draw_other_images_and_first_takes_the_first() -> None:
    data = images(40)
    one, other = (drawn_pictures(data, 8, mean=MEAN, std=STD, seed=s) for s in (0, 1))
    assert one.rows != other.rows
    assert one.first(3).rows == one.rows[:3]
    assert len(one.first(3)) == 3


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ([(torch.zeros(4, 7), torch.zeros(4))], "no images"),
        ([(torch.zeros(4, 7, dtype=torch.int64), torch.zeros(4))], "int64"),
        ([{"input_ids": torch.zeros(4, 7, dtype=torch.int64)}], "texts"),
        ([{"a": torch.zeros(4, 7), "b": torch.zeros(4, 7)}], "no images"),
    ],
)
def test_what_is_no_image_is_told(source: Any, reason: str) -> None:
    told = why_no_pictures(source)
    assert told is not None
    assert reason in told
    with pytest.raises(InputError, match=reason):
        drawn_pictures(source, 2, mean=MEAN, std=STD)


@pytest.mark.parametrize(
    ("mean", "std", "reason"),
    [((0.0,) * 3, (1.0,) * 3, "from 0 to 1"), ((0.5,), (0.5,), "3 channels")],
)
def test_a_normalisation_that_does_not_fit_is_refused(
    mean: tuple[float, ...], std: tuple[float, ...], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        drawn_pictures(images(), 4, mean=mean, std=std)


def test_images_without_labels_are_refused() -> None:
    with pytest.raises(InputError, match="no labels"):
        drawn_pictures([torch.rand(4, 3, 8, 8)], 4, mean=(0.0,) * 3, std=(1.0,) * 3)


def test_a_network_takes_pixels_as_its_model_takes_normalised_images() -> None:
    data = images(9)
    net = network()
    inputs, _ = data.take(torch.arange(9), torch.Generator())
    drawn = drawn_pictures(data, 9, mean=MEAN, std=STD)
    with torch.no_grad():
        assert torch.allclose(net.outputs(drawn.pixels), net.model(inputs), atol=1e-5)


def test_models_of_other_types_and_of_dicts_are_fed_as_they_need() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3 * 12 * 12, 2).double()

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.inner(pixel_values.flatten(1))
            return answer

    net = Network("named", Named(), MEAN, STD, network().problem, key="pixel_values")
    assert net.outputs(torch.rand(2, 3, 12, 12)).dtype == torch.float64


def test_right_answers_are_those_of_each_problem() -> None:
    several = Problem("multi_label_classification", "asked")
    outputs = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    assert is_right(network().problem, outputs, torch.tensor([0, 1])).tolist() == [True, False]
    assert is_right(several, outputs, torch.tensor([[1, 0], [1, 0]])).tolist() == [True, False]
    assert is_right(several, torch.tensor([2.0, -2.0]), torch.tensor([1, 1])).tolist() == [
        True,
        False,
    ]
    shares = torch.tensor([[0.9, 0.1], [0.9, 0.1]])
    assert is_right(network().problem, outputs, shares).tolist() == [True, True]


def test_right_does_not_depend_on_the_size_of_batches() -> None:
    net, drawn = network(), drawn_pictures(images(30), 30, mean=MEAN, std=STD)
    found = [net.right(drawn.pixels, drawn.labels, size) for size in (1, 7, 64)]
    assert all(torch.equal(found[0], other) for other in found)
    assert np.array_equal(found[0].shape, (30,))
