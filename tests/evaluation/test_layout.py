"""Memory layouts: what is tried, what is kept, and what stays as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.evaluation.layout import (
    LAYOUTS,
    bears_channels_last,
    faster_layout,
    laid_out,
    lay_out,
    layout_of,
)
from tests.support.nets import tiny

PICTURES = Batch(torch.rand(3, 1, 8, 8))


def convolutions(*rest: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), *rest)


class Viewed(nn.Module):
    """`view` on a feature map: it runs in one layout alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(len(x), -1)


class Strided(nn.Module):
    """Reads the memory itself, and so something else in the other layout."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.as_strided((len(x), 4), (x.stride(0), 1))


class Writes(nn.Module):
    """Writes into what it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mul_(0.5)


NETWORKS = {
    "a ResNet": (tiny(14), True),
    "a flattened map": (convolutions(nn.Flatten()), True),
    "a view of a map": (convolutions(Viewed()), False),
    "strides": (convolutions(Strided()), False),
    "pointwise convolutions": (nn.Conv2d(1, 4, 1), False),
    "no convolution": (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), False),
    "convolutions of sequences": (nn.Sequential(nn.Flatten(2), nn.Conv1d(1, 4, 3)), False),
}


@pytest.mark.parametrize(("model", "bears"), NETWORKS.values(), ids=NETWORKS)
def test_channels_last_is_for_networks_that_convolve_and_run_in_it(model, bears):
    model.eval()
    wanted = model(PICTURES.inputs)
    assert bears_channels_last(model, PICTURES) is bears
    assert layout_of(model) == "contiguous"
    assert torch.equal(model(PICTURES.inputs), wanted)


def test_what_a_network_is_given_is_not_written_into():
    model = nn.Sequential(Writes(), *convolutions())
    before = PICTURES.inputs.clone()
    assert bears_channels_last(model, PICTURES)
    assert torch.equal(PICTURES.inputs, before)


@pytest.mark.parametrize("own", LAYOUTS)
@pytest.mark.parametrize("asked", LAYOUTS)
def test_a_network_is_laid_out_for_a_while_and_then_as_before(own, asked):
    model = lay_out(convolutions(), own)
    with laid_out(model, asked):
        assert layout_of(model) == asked
    assert layout_of(model) == own


@pytest.mark.parametrize("own", LAYOUTS)
@pytest.mark.parametrize(
    ("seconds", "faster"),
    [
        ({"contiguous": 1.0, "channels_last": 0.5}, "channels_last"),
        ({"contiguous": 1.0, "channels_last": 0.99}, "contiguous"),  # not worth it
        ({"contiguous": 1.0, "channels_last": 2.0}, "contiguous"),
    ],
)
def test_the_faster_layout_is_told_and_nothing_is_changed(own, seconds, faster):
    model = lay_out(convolutions(), own)
    assert faster_layout(model, PICTURES, [1, 4], lambda calls: seconds) == faster
    assert layout_of(model) == own


def test_over_several_batches_the_geometric_mean_decides():
    times = iter([0.5, 1.8, 0.5, 2.1])

    def timer(calls):
        return {"contiguous": 1.0, "channels_last": next(times)}

    assert faster_layout(convolutions(), PICTURES, [1, 4], timer) == "channels_last"
    assert faster_layout(convolutions(), PICTURES, [1, 4], timer) == "contiguous"


def test_nothing_is_timed_where_nothing_is_asked_or_the_network_runs_in_one_alone():
    def timer(calls):
        raise AssertionError

    assert faster_layout(convolutions(), PICTURES, [], timer) == "contiguous"
    assert faster_layout(convolutions(Viewed()), PICTURES, [1], timer) == "contiguous"


def test_a_network_that_lies_partly_in_one_layout_is_laid_out_whole():
    model = lay_out(convolutions(), "channels_last")
    model[1].weight.data = model[1].weight.data.contiguous()
    lay_out(model, "channels_last")
    assert all(
        module.weight.is_contiguous(memory_format=torch.channels_last) for module in model[:2]
    )


@pytest.mark.parametrize("own", LAYOUTS)
def test_where_nothing_is_timed_the_layout_stays_as_it_is(own):
    assert faster_layout(lay_out(convolutions(), own), PICTURES, []) == own
