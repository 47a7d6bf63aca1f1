"""Removed layers: the block before them adds what they added, as well as a linear map can."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import ConvNextConfig, ConvNextForImageClassification

import leanfair
from leanfair.data.batches import Batch
from leanfair.pruning.reconstruction import layers as module
from leanfair.pruning.reconstruction import least_squares
from leanfair.pruning.reconstruction.layers import reconstruct_layers
from leanfair.pruning.reconstruction.least_squares import RIDGE
from leanfair.pruning.reconstruction.neurons import reconstruct
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut, Layer, NeuronCut
from tests.pruning.reconstruction.test_neurons import Block
from tests.support.nets import resnet
from tests.support.nets import tiny as tiny_cnn
from tests.support.oracles import tiny

ADDING = ["llama", "gpt2", "vit"]
"""Families whose blocks add to their input as it is."""
NORMALISED = ["bert", "gemma2"]
"""Families with a normalisation between what a block writes and the stream."""


class Linear(Block):
    """A residual block that adds a linear map of what it reads."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fall(self.rise(x))


class Scaled(Block):
    """One whose last dense module is scaled, each output by its own factor, before it is added."""

    factors = torch.tensor([0.5, 2.0, -1.0, 0.2, 0.0, 3.0], dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.factors * self.fall(torch.tanh(self.rise(x)))


class Squashed(Block):
    """One behind whose sum no output is told from what was added to it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(super().forward(x))


class Weighed(Block):
    """One whose last dense module counts more or less from row to row."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said = self.fall(torch.tanh(self.rise(x)))
        return x + said * said.detach().norm(dim=-1, keepdim=True)


class Mixed(Block):
    """One whose outputs are added to one another before they are added."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said = self.fall(torch.tanh(self.rise(x)))
        return x + said + said.roll(1, dims=-1)


class Rectified(Block):
    """One with a ReLU behind the sum, some of whose outputs are never above zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        less = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 9.0], dtype=torch.float64)
        return torch.relu(x + Scaled.factors * self.fall(torch.tanh(self.rise(x))) - less)


class Clipped(Block):
    """One whose sum is clipped on both sides."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).clamp(0.0, 1.0)


def made(*kinds: type[Block], bias: bool = True) -> tuple[nn.Module, Batch]:
    torch.manual_seed(0)
    network = nn.Sequential(*(kind(bias) for kind in kinds), nn.Linear(6, 4)).double().eval()
    return network, Batch(torch.randn(200, 6, dtype=torch.float64))


def layers(*places: int) -> Cut:
    return Cut("layer", tuple(Layer(f"{i}", "", (f"{i}.fall",)) for i in places))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gone", [(2,), (2, 3)])
def test_the_weights_are_those_of_ridge_regression(gone, bias):
    network, sample = made(*[Block] * 5, bias=bias)
    child = apply(layers(*gone), network, sample)
    assert reconstruct_layers(child, network, layers(*gone), [sample[:80], sample[80:]]) == ()
    with torch.no_grad():
        streams = [sample.inputs]
        for block in network[:5]:
            streams.append(block(streams[-1]))
        before, after = streams[gone[0]], streams[gone[-1] + 1]
        read = torch.tanh(network[1].rise(streams[1]))
    norms = torch.linalg.vector_norm(after, dim=1)
    halves = (norms[:80], norms[80:])
    weight = torch.cat([each.clamp(min=0.1 * each.median()) ** -2 for each in halves])
    share = (weight / weight.sum())[:, None]
    x, y = read, after - before
    centre = [(share * each).sum(dim=0) if bias else 0.0 for each in (x, y)]
    x, y = x - centre[0], y - centre[1]
    ridge = RIDGE * (share * x.square()).sum(dim=0).mean()
    wide = torch.cat([share.sqrt() * x, ridge.sqrt() * torch.eye(8, dtype=torch.float64)])
    goal = torch.cat([share.sqrt() * y, torch.zeros(8, 6, dtype=torch.float64)])
    fit = torch.linalg.lstsq(wide, goal).solution
    assert torch.allclose(child[1].fall.weight, network[1].fall.weight + fit.T, atol=1e-5)
    if bias:
        more = centre[1] - centre[0] @ fit
        assert torch.allclose(child[1].fall.bias, network[1].fall.bias + more, atol=1e-5)


def test_a_layer_that_is_a_linear_map_of_what_the_block_before_reads_is_not_missed(monkeypatch):
    monkeypatch.setattr(least_squares, "RIDGE", 1e-9)
    network, sample = made(Block, Linear, Linear, Block)
    with torch.no_grad():  # eight units tell all six numbers of the stream
        for block in network[:3]:
            block.rise.weight.copy_(torch.linalg.qr(torch.randn(8, 6, dtype=torch.float64))[0])
    child = apply(layers(2), network, sample)
    assert not torch.allclose(child(sample.inputs), network(sample.inputs), atol=1e-2)
    reconstruct_layers(child, network, layers(2), [sample])
    assert torch.allclose(child(sample.inputs), network(sample.inputs), atol=1e-4)


def check_closer(network: nn.Module, layer: Layer, sample: Batch, shared: bool) -> None:
    """Without `layer` the outputs come closer to the parent's, and the parent stays."""
    cut = Cut("layer", (layer,))
    child = apply(cut, network, sample, share=shared)
    wanted, cut_off = (outputs(each, [sample]).features for each in (network, child))
    assert reconstruct_layers(child, network, cut, [sample]) == ()
    mended = outputs(child, [sample]).features
    assert (mended - wanted).square().mean() < 0.8 * (cut_off - wanted).square().mean()
    assert torch.equal(outputs(network, [sample]).features, wanted)


@pytest.mark.parametrize("family", ADDING)
@pytest.mark.parametrize("shared", [True, False])
def test_the_outputs_come_closer_to_the_parents_and_the_parent_stays(family, shared):
    (network, anatomy), sample = tiny.FAMILIES[family](), tiny.sample(family, n=12)
    for layer in anatomy.layers[1:]:
        check_closer(network, layer, sample, shared)


@pytest.mark.parametrize("family", NORMALISED)
def test_a_layer_behind_a_normalisation_is_told_and_nothing_is_changed(family):
    (network, anatomy), sample = tiny.FAMILIES[family](), tiny.sample(family, n=12)
    cut = Cut("layer", anatomy.layers[-1:])
    child = apply(cut, network, sample)
    before = [value.clone() for value in child.state_dict().values()]
    assert reconstruct_layers(child, network, cut, [sample]) == (anatomy.layers[-1].name,)
    assert all(map(torch.equal, before, child.state_dict().values()))


def test_the_first_layer_has_nothing_before_it():
    network, sample = made(Block, Block, Block)
    for gone, told in {(0,): ("0",), (0, 2): ("0",), (2,): (), (0, 1): ("0", "1")}.items():
        child = apply(layers(*gone), network, sample)
        assert reconstruct_layers(child, network, layers(*gone), [sample]) == told


@pytest.mark.parametrize("kind", [Scaled, Rectified])
def test_each_output_gets_as_much_more_as_it_is_scaled_down(kind):
    """Fitted beside a twin whose blocks add what they say as it is, and that has the factors in
    its weights."""
    network, sample = made(Block, kind, Block)
    with torch.no_grad():
        network[0].fall.weight.mul_(0.1)  # what comes before is mostly positive, or negative
    cut = layers(2)
    child = apply(cut, network, sample)
    assert reconstruct_layers(child, network, cut, [sample]) == ()
    with torch.no_grad():
        x = network[0](sample.inputs)
        before = network[1](x)
        after = network[2](before)
        read = torch.tanh(network[1].rise(x))
    weights = least_squares.weights_of(after)
    moments = least_squares.Moments()
    moments.add(torch.cat([read.float(), after.float() - before.float()], dim=1), weights)
    fit, shift = least_squares.regression(moments, torch.arange(14) >= 8, RIDGE, centred=True)
    more = child[1].fall.weight - network[1].fall.weight
    reached = Scaled.factors != 0
    wanted = fit.T[reached] / Scaled.factors[reached, None]
    assert torch.allclose(more[reached], wanted, rtol=1e-3, atol=1e-5)
    moved = (child[1].fall.bias - network[1].fall.bias)[reached]
    assert torch.allclose(moved, shift[reached] / Scaled.factors[reached], rtol=1e-3, atol=1e-5)
    assert not more[~reached].any(), "nothing that it says is added"


@pytest.mark.parametrize("kind", [Squashed, Weighed, Mixed, Clipped])
def test_what_is_no_multiple_of_what_was_said_is_told_and_nothing_is_changed(kind):
    network, sample = made(Block, kind, Block)
    child = apply(layers(2), network, sample)
    before = [value.clone() for value in child.state_dict().values()]
    assert reconstruct_layers(child, network, layers(2), [sample]) == ("2",)
    assert all(map(torch.equal, before, child.state_dict().values()))


@pytest.mark.parametrize("kind", ["cifar", "basic", "bottleneck", "convnext"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_outputs_of_convolutional_networks_come_closer(kind, shared):
    network, sample = convolutional(kind), Batch(torch.randn(64, 1, 16, 16))
    found = [layer for layer in dissect(network, sample).layers if not layer.name.endswith("0")]
    assert found
    for layer in found:
        check_closer(network, layer, sample, shared)


@pytest.mark.parametrize(
    ("kind", "made_up"), [("cifar", True), ("basic", False), ("convnext", False)]
)
def test_the_first_block_behind_a_stem_that_normalises_or_pools_is_told(kind, made_up):
    network, sample = convolutional(kind), Batch(torch.randn(64, 1, 16, 16))
    cut = Cut("layer", dissect(network, sample).layers[:1])
    child = apply(cut, network, sample)
    assert (reconstruct_layers(child, network, cut, [sample]) == ()) == made_up


def convolutional(kind: str) -> nn.Module:
    """A small network whose statistics, scales and shifts are no ones and zeros."""
    if kind == "convnext":
        config = ConvNextConfig(
            num_channels=1, hidden_sizes=[8, 12], depths=[2, 2], num_stages=2, num_labels=3,
            patch_size=2, layer_scale_init_value=0.5,
        )  # fmt: skip
        torch.manual_seed(0)
        network = ConvNextForImageClassification(config).eval()
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, nn.Linear):
                    module.weight.normal_(0.0, 0.5)
        return network
    network = tiny_cnn() if kind == "cifar" else resnet(kind)
    torch.manual_seed(0)
    network.train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.3)
        for _ in range(5):
            network(torch.randn(32, 1, 16, 16))
    return network.eval()


def test_layers_of_two_stages_go_at_once():
    """What comes before the second stage's layer is renumbered by what goes from the first."""
    network, sample = tiny_cnn(20), Batch(torch.randn(64, 1, 16, 16))
    found = [layer for layer in dissect(network, sample).layers if layer.name[-1] in "12"]
    both = Cut("layer", tuple(found[:2] + found[-1:]))
    child = apply(both, network, sample)
    assert reconstruct_layers(child, network, both, [sample]) == ()
    changed = {
        name
        for name, value in child.named_parameters()
        if name.endswith("conv2.weight")
        and not any(torch.equal(value, other) for other in network.parameters())
    }
    assert changed == {"layer1.0.conv2.weight", "layer3.1.conv2.weight"}


def test_runs_that_lie_apart_are_each_made_up_for_by_the_block_before_them():
    network, sample = made(*[Block] * 5)
    both, cut = apply(layers(1, 3), network, sample), layers(1, 3)
    assert reconstruct_layers(both, network, cut, [sample]) == ()
    for gone, place, now in ((1, 0, 0), (3, 2, 1)):
        alone = apply(layers(gone), network, sample)
        reconstruct_layers(alone, network, layers(gone), [sample])
        one, other = both[now].fall, alone[place].fall
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)


def test_a_writer_that_is_a_member_itself_is_renumbered():
    torch.manual_seed(0)
    network = nn.Sequential(Block(True), Block(True), nn.Linear(6, 6), Block(True), nn.Linear(6, 4))
    network, sample = network.double().eval(), Batch(torch.randn(200, 6, dtype=torch.float64))
    child = apply(layers(1, 3), network, sample)
    wanted, cut_off = network(sample.inputs), child(sample.inputs)
    assert reconstruct_layers(child, network, layers(1, 3), [sample]) == ()
    assert not torch.equal(child[1].weight, network[2].weight)
    left, missed = ((each - wanted).square().mean() for each in (child(sample.inputs), cut_off))
    assert left < 0.8 * missed


def test_padding_is_no_calibration():
    (network, anatomy), sample = tiny.llama(), tiny.tokens()
    cut, children = Cut("layer", anatomy.layers[-1:]), []
    for batch in (sample, tiny.padded(sample)):
        children.append(apply(cut, network))
        reconstruct_layers(children[-1], network, cut, [batch])
    for one, other in zip(*(child.parameters() for child in children), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_neurons_are_not_its_business_nor_layers_that_of_neurons():
    (network, anatomy), sample = tiny.llama(), tiny.tokens()
    group = next(group for group in anatomy.neurons if group.unit == "channel")
    neurons = Cut("neurons", neurons=(NeuronCut(group, (0, 1)),))
    for cut, work in (
        (neurons, reconstruct_layers),
        (Cut("layer", anatomy.layers[1:2]), reconstruct),
    ):
        child = apply(cut, network)
        before = [value.clone() for value in child.state_dict().values()]
        work(child, network, cut, [sample])
        assert all(map(torch.equal, before, child.state_dict().values()))


@pytest.mark.parametrize("silent", ["writer", "layer"])
def test_what_says_nothing_leaves_finite_weights(silent):
    network, sample = made(Block, Block, Block)
    with torch.no_grad():
        network[0 if silent == "writer" else 1].fall.weight.zero_()
        network[0 if silent == "writer" else 1].fall.bias.zero_()
    child = apply(layers(1), network, sample)
    assert reconstruct_layers(child, network, layers(1), [sample]) == ()
    assert all(value.isfinite().all() for value in child.state_dict().values())
    wanted, mended = network(sample.inputs), child(sample.inputs)
    cut_off = apply(layers(1), network)(sample.inputs)
    assert (mended - wanted).square().mean() <= (cut_off - wanted).square().mean()


@pytest.mark.parametrize(("family", "told"), [("vit", False), ("gemma2", True)])
def test_a_run_says_once_where_nothing_made_up_for_layers(family, told, tmp_path):
    network, sample = tiny.FAMILIES[family](), tiny.sample(family, n=12)
    given = {"calibration": [sample], "cut": 0.3, "of": "params", "only": "layer"}
    run, plain = (
        leanfair.prune(
            network[0], **given, reconstruct=on, out=tmp_path / f"{on}", latency_batches=()
        )
        for on in (True, False)
    )
    assert list(run.summary["notes"]).count(module.NOT_MADE_UP) == told
    assert (module.NOT_MADE_UP in (tmp_path / "True/report.html").read_text("utf-8")) == told
    assert module.NOT_MADE_UP not in plain.summary["notes"]
    wanted, *others = (
        outputs(each, [sample]).features for each in (network[0], run.model, plain.model)
    )
    made_up, left = ((other - wanted).square().mean() for other in others)
    assert made_up == left if told else made_up < 0.8 * left
