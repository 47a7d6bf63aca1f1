"""Repair: least squares, exact where neurons are redundant, closer to the parent on its data."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.reconstruction import least_squares
from leanfair.pruning.reconstruction import neurons as module
from leanfair.pruning.reconstruction.neurons import reconstruct
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons
from tests.support.nets import resnet
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
    ridge = least_squares.RIDGE * x.square().sum(dim=0).mean()
    wide = torch.cat([x, ridge.sqrt() * torch.eye(6, dtype=torch.float64)])
    fit = torch.linalg.lstsq(wide, torch.cat([y, torch.zeros(6, 2, dtype=torch.float64)])).solution
    lost = network[1].fall.weight.detach()[:, go]
    assert torch.allclose(child[1].fall.weight, before + lost @ fit.T, atol=1e-5)
    if bias:
        shift = lost @ (mean[go] - mean[stay] @ fit)
        assert torch.allclose(child[1].fall.bias, network[1].fall.bias + shift, atol=1e-5)


def test_neurons_that_say_what_others_say_are_not_missed(monkeypatch):
    monkeypatch.setattr(least_squares, "RIDGE", 1e-7)
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


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_gets_the_weights_of_ridge_regression_over_its_patches(bias, monkeypatch):
    monkeypatch.setattr(least_squares, "PLACES", 100)
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 3, 3, stride=2, bias=bias)
    ).double()
    sample = Batch(torch.randn(40, 2, 8, 8, dtype=torch.float64))
    group = Neurons("0", "", 6, (Member("0", "out"), Member("2", "in")))
    cut = Cut("neurons", neurons=(NeuronCut(group, (1, 4)),))
    child = apply(cut, network, sample)
    reconstruct(child, network, cut, [sample[:25], sample[25:]])

    read = network[1](network[0](sample.inputs)).detach()
    rows = nn.functional.unfold(read, 3, stride=2).transpose(1, 2).flatten(0, 1)
    goes = torch.tensor([channel in (1, 4) for channel in range(6) for _ in range(9)])
    mean = rows.mean(dim=0) if bias else torch.zeros(54, dtype=torch.float64)
    x, y = (rows - mean)[:, ~goes], (rows - mean)[:, goes]
    penalty = (least_squares.RIDGE_OF_PATCHES * x.square().sum(dim=0).mean()).sqrt()
    fit = torch.linalg.lstsq(
        torch.cat([x, penalty * torch.eye(36, dtype=torch.float64)]),
        torch.cat([y, torch.zeros(36, 18, dtype=torch.float64)]),
    ).solution
    weight = network[2].weight.detach().flatten(1)
    wanted = weight[:, ~goes] + weight[:, goes] @ fit.T
    assert torch.allclose(child[2].weight.flatten(1), wanted, atol=1e-5)
    if bias:
        shift = weight[:, goes] @ (mean[goes] - mean[~goes] @ fit)
        assert torch.allclose(child[2].bias, network[2].bias + shift, atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_channels_that_say_what_others_say_are_not_missed(layout, monkeypatch):
    monkeypatch.setattr(least_squares, "RIDGE_OF_PATCHES", 1e-7)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3))
    network = network.eval().to(memory_format=layout)
    with torch.no_grad():
        for half in (network[0].weight, network[0].bias):
            half[3:] = half[:3]
    sample = Batch(torch.randn(16, 2, 9, 9))
    members = (Member("0", "out"), Member("1", "both"), Member("3", "in"))
    cut = Cut("neurons", neurons=(NeuronCut(Neurons("0", "", 6, members), (3, 4, 5)),))
    child = apply(cut, network, sample)
    wanted = network(sample.inputs)
    assert not torch.allclose(child(sample.inputs), wanted, atol=1e-2)
    reconstruct(child, network, cut, [sample])
    assert torch.allclose(child(sample.inputs), wanted, atol=1e-3)
    assert torch.equal(network(sample.inputs), wanted)


@pytest.mark.parametrize("kind", ["cifar", "basic", "bottleneck"])
def test_the_outputs_of_convolutional_networks_come_closer_to_the_parents(kind):
    network = tiny_cnn() if kind == "cifar" else resnet(kind)
    sample = Batch(torch.randn(64, 1, 16, 16))
    for group in dissect(network, sample).neurons:
        cut = Cut("neurons", neurons=(NeuronCut(group, tuple(range(group.count // 3))),))
        child = apply(cut, network, sample)
        wanted, cut_off = (outputs(each, [sample]).features for each in (network, child))
        reconstruct(child, network, cut, [sample])
        mended = outputs(child, [sample]).features
        missed, left = ((each - wanted).square().mean() for each in (cut_off, mended))
        assert left < 0.9 * missed or missed == left == 0, "what was never used"


def test_outputs_that_go_at_once_are_no_matter():
    """Both convolutions of a block lose the stream's channels, and the second also its inputs."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 3), nn.Conv2d(5, 4, 3))
    sample = Batch(torch.randn(16, 2, 9, 9))
    groups = [
        Neurons(f"{one}", "", count, (Member(f"{one}", "out"), Member(f"{other}", "in")))
        for one, other, count in ((0, 2, 6), (2, 3, 5))
    ]
    cut = Cut("neurons", neurons=(NeuronCut(groups[0], (1, 2)), NeuronCut(groups[1], (0, 3))))
    both, alone = (apply(each, network) for each in (cut, Cut("neurons", neurons=cut.neurons[:1])))
    reconstruct(both, network, cut, [sample])
    reconstruct(alone, network, Cut("neurons", neurons=cut.neurons[:1]), [sample])
    assert torch.equal(both[2].weight, alone[2].weight[[1, 2, 4]])
    assert torch.equal(both[2].bias, alone[2].bias[[1, 2, 4]])


def test_whole_layers_are_left_as_they_are():
    network, sample = tiny_cnn(), Batch(torch.randn(8, 1, 8, 8))
    cut = Cut("layer", layers=dissect(network, sample).layers[-1:])
    child = apply(cut, network, sample)
    before = [parameter.clone() for parameter in child.parameters()]
    reconstruct(child, network, cut, [sample])
    assert all(map(torch.equal, before, child.parameters()))


def test_a_module_that_says_nothing_is_left_as_it_is():
    network, sample = made()
    torch.nn.init.zeros_(network[1].fall.weight)
    cut = Cut("neurons", neurons=(NeuronCut(group_of(network, sample, "1.rise"), (2, 5)),))
    child = apply(cut, network)
    reconstruct(child, network, cut, [sample])
    assert not child[1].fall.weight.any()
    assert torch.equal(child[1].fall.bias, network[1].fall.bias)
