"""Rows are what outputs are made of, and both forms of ridge regression are that of lstsq."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from transformers.pytorch_utils import Conv1D

from leanfair.data.batches import Batch
from leanfair.pruning.reconstruction import least_squares as module
from leanfair.pruning.reconstruction.least_squares import (
    Moments,
    as_weight,
    flat_weight,
    kernel_size,
    read_rows,
    reconstructible,
    regression,
    said_rows,
)

CONVOLUTIONS = {
    "plain": (nn.Conv2d(3, 4, 3), (9, 7)),
    "pointwise": (nn.Conv2d(3, 4, 1, bias=False), (5, 6)),
    "padded": (nn.Conv2d(3, 4, (3, 5), padding=(1, 2)), (6, 8)),
    "in steps": (nn.Conv2d(3, 4, 3, stride=(2, 3), padding=1), (9, 8)),
    "dilated": (nn.Conv2d(3, 4, 3, dilation=(2, 1), padding=2), (8, 7)),
    "the same size": (nn.Conv2d(3, 4, (4, 3), padding="same"), (6, 7)),
    "reflecting": (nn.Conv2d(3, 4, 3, padding=2, padding_mode="reflect"), (6, 7)),
    "round": (nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), (5, 5)),
    "of sounds": (nn.Conv1d(3, 4, 5, stride=2, padding=2), (19,)),
    "of films": (nn.Conv3d(3, 4, (1, 3, 2), padding=(0, 1, 1)), (3, 4, 5)),
}
DENSE = {"linear": nn.Linear(3, 4), "without bias": nn.Linear(3, 4, bias=False)}
DENSE["of transformers"] = Conv1D(4, 3)


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, "last"])
@pytest.mark.parametrize("places", [5, 1000])
def test_what_a_convolution_says_is_its_weight_times_its_rows(name, layout, places, monkeypatch):
    monkeypatch.setattr(module, "PLACES", places)
    network, size = CONVOLUTIONS[name]
    x = torch.randn(6, 3, *size)
    if layout == "last" and len(size) == 2:
        x = x.to(memory_format=torch.channels_last)
    batch, said = Batch(x), network(x)
    rows = read_rows(network, x, batch)
    wanted = said_rows(network, said, batch)
    if places == 1000:
        assert len(rows) == said.numel() // 4, "of few places all are rows"
    bias = 0.0 if network.bias is None else network.bias
    assert torch.allclose(rows @ flat_weight(network).T + bias, wanted, atol=1e-5)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("size", [(6, 3), (6, 5, 3), (6, 2, 5, 3)])
def test_what_a_dense_module_says_is_its_weight_times_its_rows(name, size):
    network, x = DENSE[name], torch.randn(size)
    rows = read_rows(network, x, Batch(x))
    bias = 0.0 if network.bias is None else network.bias
    wanted = said_rows(network, network(x), Batch(x))
    assert torch.allclose(rows @ flat_weight(network).T + bias, wanted, atol=1e-5)


@pytest.mark.parametrize("name", [*CONVOLUTIONS, *DENSE])
def test_a_flat_weight_goes_back_where_it_was(name):
    network = DENSE[name] if name in DENSE else CONVOLUTIONS[name][0]
    assert torch.equal(as_weight(network, flat_weight(network)), network.weight)
    assert flat_weight(network).shape == (4, 3 * kernel_size(network))


def test_a_kernel_holds_the_numbers_of_one_channel_after_the_other():
    network, x = nn.Conv2d(3, 4, 2), torch.randn(1, 3, 2, 2)
    assert torch.equal(read_rows(network, x, Batch(x))[0], x.flatten())


@pytest.mark.parametrize(
    ("network", "can"),
    [
        (nn.Linear(4, 4), True),
        (nn.Conv1d(4, 4, 3), True),
        (Conv1D(4, 4), True),
        (nn.Conv2d(4, 4, 3, groups=2), False),
        (nn.Conv2d(4, 4, 3, groups=4), False),
        (nn.ConvTranspose2d(4, 4, 3), False),
        (weight_norm(nn.Linear(4, 4)), False),
        (nn.BatchNorm2d(4), False),
        (nn.ReLU(), False),
        (nn.Embedding(4, 4), False),
    ],
)
def test_what_can_be_reconstructed_multiplies_rows_with_a_weight_of_its_own(network, can):
    assert reconstructible(network) == can


@given(
    st.integers(1, 30), st.integers(1, 6), st.integers(1, 3), st.booleans(), st.integers(0, 1000)
)
def test_both_forms_of_the_regression_are_that_of_least_squares(rows, wide, out, centred, seed):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, wide + out, generator=generator, dtype=torch.float64).float()
    weights = torch.rand(rows, generator=generator) + 0.1
    sought = torch.zeros(wide + out, dtype=torch.bool)
    sought[torch.randperm(wide + out, generator=generator)[:out]] = True
    moments = Moments()
    for part, counts in zip(z.split(7), weights.split(7), strict=True):
        moments.add(part, counts)
    assert (moments.second is None) == (rows < wide + out), "the smaller of both is held"
    fit, shift = regression(moments, sought, 0.5, centred=centred)

    share = (weights / weights.sum()).double()[:, None]
    mean = (share * z).sum(dim=0) if centred else torch.zeros(wide + out).double()
    x, y = (share.sqrt() * (z - mean)[:, each] for each in (~sought, sought))
    ridge = 0.5 * x.square().sum(dim=0).mean()
    wide_x = torch.cat([x, ridge.sqrt() * torch.eye(wide, dtype=torch.float64)])
    wide_y = torch.cat([y, torch.zeros(wide, out, dtype=torch.float64)])
    wanted = torch.linalg.lstsq(wide_x, wide_y, driver="gelsd").solution
    assert torch.allclose(fit, wanted, atol=1e-3)
    assert torch.allclose(shift, mean[sought] - mean[~sought] @ wanted, atol=1e-3)


def test_rows_that_say_nothing_predict_nothing():
    for rows in (3, 30):
        moments = Moments()
        moments.add(torch.zeros(rows, 6), torch.ones(rows))
        fit, shift = regression(moments, torch.arange(6) >= 4, 1.0, centred=True)
        assert not fit.any()
        assert not shift.any()


def test_a_row_of_which_nearly_nothing_is_said_does_not_decide():
    said = torch.ones(9, 4)
    said[0], said[1], said[2] = 1e-6, 0.0, 100.0
    weights = module.weights_of(said)
    assert weights[:2].tolist() == pytest.approx([25.0, 25.0])
    assert weights[2:].tolist() == pytest.approx([0.25e-4, *[0.25] * 6])
