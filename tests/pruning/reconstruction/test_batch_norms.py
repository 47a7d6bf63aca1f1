"""Batch normalisation gets the statistics of what is merged, and the network says the same."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.reconstruction.batch_norms import norms_behind, settle, spread
from leanfair.pruning.reconstruction.least_squares import Moments, read_rows


def rows_of(network: nn.Module, x: torch.Tensor) -> Moments:
    moments = Moments()
    rows = read_rows(network, x, Batch(x))
    moments.add(rows, torch.ones(len(rows)))
    return moments


@pytest.mark.parametrize("samples", [2, 60])
@pytest.mark.parametrize("bias", [True, False])
def test_the_spread_is_that_of_the_outputs(samples, bias):
    network, x = nn.Conv2d(3, 4, 3, bias=bias), torch.randn(samples, 3, 3, 3)
    moments = rows_of(network, x)
    assert (moments.second is None) == (samples < 27)
    mean, variance = spread(network, moments, torch.ones(27, dtype=torch.bool))
    said = network(x).flatten(1).double()
    assert torch.allclose(mean, said.mean(dim=0), atol=1e-6)
    assert torch.allclose(variance, said.var(dim=0, correction=0), atol=1e-6)


def test_numbers_that_are_not_read_are_left_out_of_the_spread():
    whole, part, x = nn.Conv2d(3, 4, 1), nn.Conv2d(2, 4, 1), torch.randn(9, 3, 2, 2)
    part.weight = nn.Parameter(whole.weight[:, [0, 2]].detach().clone())
    read = torch.tensor([True, False, True])
    mean, variance = spread(part, rows_of(whole, x), read)
    wanted = spread(part, rows_of(part, x[:, [0, 2]]), torch.ones(2, dtype=torch.bool))
    assert torch.allclose(mean, wanted[0], atol=1e-6)
    assert torch.allclose(variance, wanted[1], atol=1e-6)


@pytest.mark.parametrize("factor", [0.01, 0.5, 3.0, 100.0])
def test_the_same_is_said_in_evaluation_and_in_training(factor):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
    x = torch.randn(600, 3, 3, 3)
    with torch.no_grad():
        network[1].weight.uniform_(0.5, 1.5)
        network[1].bias.normal_()
        network.train()
        for _ in range(200):
            network(x)
    network.eval()
    everything = torch.ones(27, dtype=torch.bool)
    before = spread(network[0], rows_of(network[0], x), everything)
    changed = copy.deepcopy(network)
    with torch.no_grad():
        changed[0].weight.mul_(factor).add_(0.1 * torch.randn_like(network[0].weight))
        wanted = changed(x)
        settle(changed[1], before, spread(changed[0], rows_of(changed[0], x), everything))
        assert torch.allclose(changed(x), wanted, atol=1e-3 * float(wanted.std()))
        assert torch.allclose(changed.train()(x), wanted, atol=0.02 * float(wanted.std()))


def test_what_never_changes_stays_finite_and_others_are_not_touched():
    network = nn.BatchNorm2d(3).eval()
    before = torch.zeros(3).double(), torch.tensor([0.0, 1.0, 1.0]).double()
    after = torch.zeros(3).double(), torch.tensor([1.0, 0.0, 1.0]).double()
    parent = copy.deepcopy(network)
    shared = copy.copy(network)
    shared._parameters, shared._buffers = dict(network._parameters), dict(network._buffers)
    settle(shared, before, after)
    x = torch.randn(5, 3, 2, 2)
    assert torch.allclose(shared(x), parent(x), atol=1e-5)
    assert torch.equal(network(x), parent(x)), "what was shared stays as it was"


class Branches(nn.Module):
    """Convolutions read by a normalisation, by two, through a ReLU, and by one that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(2, 2, 1) for _ in range(5))
        self.norms = nn.ModuleList(nn.BatchNorm2d(2, affine=i != 5) for i in range(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, two, three, four, five = (conv(x) for conv in self.convs)
        said = self.norms[0](one) + self.norms[1](two) + self.norms[2](torch.relu(three))
        return said + self.norms[3](four) + self.norms[3](five) + self.norms[5](five)


def test_only_what_reads_the_outputs_themselves_once_is_behind():
    network, sample = Branches().eval(), Batch(torch.randn(2, 2, 3, 3))
    names = [f"convs.{i}" for i in range(5)]
    assert norms_behind(network, names, sample) == {"convs.0": "norms.0", "convs.1": "norms.1"}
    assert norms_behind(network, [], sample) == {}
    assert norms_behind(nn.Sequential(nn.Linear(2, 2)), ["0"], sample) == {}
