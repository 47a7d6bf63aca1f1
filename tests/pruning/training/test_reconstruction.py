"""Repair: least squares, exact where neurons are redundant, closer to the parent on its data."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.training import reconstruction as module
from leanfair.pruning.training.reconstruction import reconstruct
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons
from tests.support.nets import tiny as tiny_cnn
from tests.support.oracles import tiny

FAMILIES = ["llama", "gpt2", "bert", "vit"]


class Block(nn.Module):
    """A residual block with eight hidden units."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.rise = nn.Linear(6, 8)
        self.fall = nn.Linear(8, 6, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fall(torch.tanh(self.rise(x)))


def made(bias: bool = True) -> tuple[nn.Module, Batch]:
    torch.manual_seed(0)
    network = nn.Sequential(Block(bias), Block(bias), Block(bias), nn.Linear(6, 4)).double().eval()
    return network, Batch(torch.randn(50, 6, dtype=torch.float64))


def group_of(network: nn.Module, sample: Batch, name: str) -> Neurons:
    return next(group for group in dissect(network, sample).neurons if group.name == name)


def counted(read: torch.Tensor, module: nn.Linear) -> torch.Tensor:
    """What each row of a batch counts: less, the more the module says of it."""
    said = torch.linalg.vector_norm(read @ module.weight.detach().T, dim=1)
    return said.clamp(min=0.1 * said.median()) ** -2


@pytest.mark.parametrize("bias", [True, False])
def test_the_weights_are_those_of_ridge_regression(bias, monkeypatch):
    network, sample = made(bias)
    cut = Cut("neurons", neurons=(NeuronCut(group_of(network, sample, "1.rise"), (2, 5)),))
    child = apply(cut, network, sample)
    before = child[1].fall.weight.detach().clone()
    reconstruct(child, network, cut, [sample[:20], sample[20:]])
    read = torch.tanh(network[1].rise(network[0](sample.inputs))).detach()
    stay, go = [0, 1, 3, 4, 6, 7], [2, 5]
    weight = torch.cat(
        [counted(read[each], network[1].fall) for each in (slice(20), slice(20, 50))]
    )
    share = (weight / weight.sum())[:, None]
    mean = (share * read).sum(dim=0) if bias else torch.zeros(8, dtype=torch.float64)
    x, y = (share.sqrt() * (read - mean)[:, each] for each in (stay, go))
    ridge = module.RIDGE * x.square().sum(dim=0).mean()
    wide = torch.cat([x, ridge.sqrt() * torch.eye(6, dtype=torch.float64)])
    fit = torch.linalg.lstsq(wide, torch.cat([y, torch.zeros(6, 2, dtype=torch.float64)])).solution
    lost = network[1].fall.weight.detach()[:, go]
    assert torch.allclose(child[1].fall.weight, before + lost @ fit.T, atol=1e-5)
    if bias:
        shift = lost @ (mean[go] - mean[stay] @ fit)
        assert torch.allclose(child[1].fall.bias, network[1].fall.bias + shift, atol=1e-5)


def test_neurons_that_say_what_others_say_are_not_missed(monkeypatch):
    monkeypatch.setattr(module, "RIDGE", 1e-7)
    network, sample = made()
    with torch.no_grad():
        for half in (network[1].rise.weight, network[1].rise.bias):
            half[4:] = half[:4]
    cut = Cut("neurons", neurons=(NeuronCut(group_of(network, sample, "1.rise"), (4, 5, 6, 7)),))
    child = apply(cut, network, sample)
    assert not torch.allclose(child(sample.inputs), network(sample.inputs), atol=1e-2)
    reconstruct(child, network, cut, [sample])
    assert torch.allclose(child(sample.inputs), network(sample.inputs), atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_outputs_come_closer_to_the_parents(family):
    (network, anatomy), sample = tiny.FAMILIES[family](), tiny.sample(family, n=12)
    groups = anatomy.neurons
    drops = (NeuronCut(g, tuple(range(g.count // 4))) for g in groups if g.unit == "channel")
    cut = Cut("neurons", neurons=tuple(drops))
    child = apply(cut, network, sample)
    wanted, cut_off = outputs(network, [sample]).features, outputs(child, [sample]).features
    reconstruct(child, network, cut, [sample])
    mended = outputs(child, [sample]).features
    assert (mended - wanted).square().mean() < 0.9 * (cut_off - wanted).square().mean()


def test_padding_is_no_calibration():
    (network, anatomy), sample = tiny.llama(), tiny.tokens()
    groups = [group for group in anatomy.neurons if group.unit == "channel"]
    cut = Cut("neurons", neurons=tuple(NeuronCut(g, (0, 1)) for g in groups))
    children = []
    for batch in (sample, tiny.padded(sample)):
        child = apply(cut, network)
        reconstruct(child, network, cut, [batch])
        children.append(child)
    for one, other in zip(children[0].parameters(), children[1].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_moments_that_do_not_fit_memory_are_taken_in_portions(monkeypatch):
    network, sample = made()
    groups = dissect(network, sample).neurons
    cut = Cut("neurons", neurons=tuple(NeuronCut(group, (1,)) for group in groups))
    at_once, one_by_one = apply(cut, network), apply(cut, network)
    halves = [sample[:25], sample[25:]]
    reconstruct(at_once, network, cut, halves)
    monkeypatch.setattr(module, "MOST_MOMENTS", 1)
    reconstruct(one_by_one, network, cut, halves)
    for one, other in zip(at_once.parameters(), one_by_one.parameters(), strict=True):
        assert torch.equal(one, other)


def test_one_batch_takes_one_pass_and_gives_what_portions_give(monkeypatch):
    network, sample = made()
    groups = dissect(network, sample).neurons
    cut = Cut("neurons", neurons=tuple(NeuronCut(group, (1,)) for group in groups))
    once, portions = apply(cut, network), apply(cut, network)
    ran: list[int] = []
    network[0].register_forward_pre_hook(lambda block, args: ran.append(len(args[0])))
    reconstruct(once, network, cut, [sample])
    assert ran == [1, 50], "one sample tells that each module runs once"
    monkeypatch.setattr(module, "_run_once", lambda *given: False)
    reconstruct(portions, network, cut, [sample])
    for one, other in zip(once.parameters(), portions.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_module_that_runs_twice_is_adapted_by_both_of_its_inputs():
    block = Block(True).double()
    network = nn.Sequential(block, block, nn.Linear(6, 4).double()).eval()
    sample = Batch(torch.randn(50, 6, dtype=torch.float64))
    group = Neurons("0.rise", "0", 8, (Member("0.rise", "out"), Member("0.fall", "in")))
    cut = Cut("neurons", neurons=(NeuronCut(group, (1, 2)),))
    children = [apply(cut, network), apply(cut, network)]
    reconstruct(children[0], network, cut, [sample])
    reconstruct(children[1], network, cut, [sample[:20], sample[20:]])
    for one, other in zip(children[0].parameters(), children[1].parameters(), strict=True):
        assert torch.allclose(one, other)


def test_convolutions_and_whole_layers_are_left_as_they_are():
    network = tiny_cnn()
    sample = Batch(torch.randn(8, 1, 8, 8))
    anatomy = dissect(network, sample)
    cuts = [Cut("layer", layers=anatomy.layers[-1:])]
    cuts.append(Cut("neurons", neurons=(NeuronCut(anatomy.neurons[0], (0,)),)))
    for cut in cuts:
        child = apply(cut, network, sample)
        before = [parameter.clone() for parameter in child.parameters()]
        reconstruct(child, network, cut, [sample])
        assert all(map(torch.equal, before, child.parameters()))


def test_a_row_of_which_nearly_nothing_is_said_does_not_decide():
    said = torch.ones(9, 4)
    said[0], said[1], said[2] = 1e-6, 0.0, 100.0
    weights = module.weights_of(said)
    assert weights[:2].tolist() == pytest.approx([25.0, 25.0])
    assert weights[2:].tolist() == pytest.approx([0.25e-4, *[0.25] * 6])


def test_a_module_that_says_nothing_is_left_as_it_is():
    network, sample = made()
    torch.nn.init.zeros_(network[1].fall.weight)
    cut = Cut("neurons", neurons=(NeuronCut(group_of(network, sample, "1.rise"), (2, 5)),))
    child = apply(cut, network)
    reconstruct(child, network, cut, [sample])
    assert not child[1].fall.weight.any()
    assert torch.equal(child[1].fall.bias, network[1].fall.bias)
