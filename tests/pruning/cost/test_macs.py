"""The cost is that of the literature, and what a cut is said to save is what it saves."""

from __future__ import annotations

import random

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.cost.macs import cost_of, cut_of, measure
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons
from tests.support.oracles import zoo

TABLE = {  # params, MACs, filters: shared/FACTS.md, from the tables of arXiv 2506.04513
    32: (470_218, 69_124_736, 1_232),
    44: (665_994, 97_436_288, 1_680),
    56: (861_770, 125_747_840, 2_128),
    110: (1_742_762, 253_149_824, 4_144),
}
PICTURE = Batch(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize("depth", TABLE)
def test_macs_and_filters_are_those_of_the_papers_tables(depth):
    found = cost_of(CifarResNet(depth, shortcut="B"), PICTURE)
    assert (found.macs, found.filters) == TABLE[depth][1:]


@pytest.mark.parametrize("depth", TABLE)
def test_params_are_those_of_the_papers_tables_counted_as_its_framework_counts(depth):
    """The paper's are Keras networks: convolutions have biases, the running statistics count as
    parameters, and the projections have no norm."""
    model = CifarResNet(depth, shortcut="B")
    for stage in (model.layer2, model.layer3):
        stage[0].shortcut[1] = nn.Identity()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    statistics = sum(b.numel() for name, b in model.named_buffers() if b.ndim)
    assert cost_of(model, PICTURE).params + statistics == TABLE[depth][0]


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("depth", [8, 56])
def test_params_are_all_parameters(depth, shortcut):
    model = CifarResNet(depth, shortcut=shortcut)
    assert cost_of(model, PICTURE).params == sum(p.numel() for p in model.parameters())


def _macs_by_loops(model: nn.Module, x: Tensor) -> int:
    """Each output number of each call of a convolution or dense layer costs its fan-in."""
    total = 0

    def count(module: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        weight = module.weight
        if isinstance(module, nn.ConvTranspose2d):
            total += args[0].numel() * weight[0].numel()
        else:
            total += out.numel() * weight[0].numel()

    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
    handles = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        model(x[:1])
    for handle in handles:
        handle.remove()
    return total


class Tokens(nn.Module):
    """A dense layer over many positions."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.wide, self.norm = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 24), nn.LayerNorm(24)
        self.head = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.cut(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.wide(tokens)).mean(dim=1))


class Bare(nn.Module):
    """Modules that are never called, or lend their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 7, 3)
        self.lender, self.head = nn.Linear(4, 4), nn.Linear(4, 2)
        self.table, self.loose = nn.Embedding(5, 3), nn.Parameter(torch.ones(9))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.linear(self.used(x).mean(dim=(2, 3)), self.lender.weight))


NETWORKS: dict[str, nn.Module] = {
    **{name: zoo.Net(block) for name, block in {**zoo.BLOCKS, **zoo.REFUSED}.items()},
    "twice": zoo.Net(zoo.Loop),
    "tokens": Tokens(),
    "bare": Bare(),
    "dilated": nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), (2, 1), 2, dilation=2), nn.Flatten(), nn.LazyLinear(3)
    ),
    "transposed": nn.Sequential(
        nn.ConvTranspose2d(3, 4, 3, 2, groups=1), nn.Flatten(), nn.LazyLinear(3)
    ),
    "one pixel": nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4, 2)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_equal_the_fan_in_of_every_number_that_is_computed(name):
    model = NETWORKS[name].eval()
    x = zoo.images().inputs
    expected = _macs_by_loops(model, x)
    if name == "bare":
        expected += model.lender.weight.numel()  # which is multiplied without its module
    found = cost_of(model, Batch(x))
    assert found.macs == expected
    assert found.params == sum(p.numel() for p in model.parameters())
    convolutions = [m for m in model.modules() if isinstance(m, nn.modules.conv._ConvNd)]
    if name != "tokens":
        assert found.filters == sum(m.out_channels for m in convolutions)
    assert cost_of(model, Batch(x[:1])) == found  # for one sample, however many there are


def test_a_dense_layer_over_tokens_has_filters_as_the_same_convolution_would():
    assert cost_of(Tokens(), zoo.images()).filters == 8 + 24


def test_a_shared_weight_counts_once():
    model = Tokens()
    model.more = nn.Linear(24, 5)
    model.more.weight = model.head.weight
    found = cost_of(model, zoo.images())
    assert found.params == sum(p.numel() for p in model.parameters())


def test_a_module_that_is_called_twice_costs_twice_but_is_one():
    once, twice = (cost_of(zoo.Net(b), zoo.images()) for b in (zoo.Loop, zoo.Block))
    added = once.macs - twice.macs
    assert added == 3 * 2 * 8 * 8 * zoo.HIDDEN**2
    assert once.params - twice.params == 3 * (zoo.HIDDEN**2 + zoo.HIDDEN)


def _random_cut(anatomy, seed: int) -> tuple[list, list[NeuronCut]]:
    rng = random.Random(seed)
    neurons = [
        NeuronCut(group, tuple(sorted(rng.sample(range(group.count), rng.randrange(group.count)))))
        for group in anatomy.neurons
        if rng.random() < 0.8
    ]
    return [layer for layer in anatomy.layers if rng.random() < 0.4], neurons


ANATOMIES = {
    name: (zoo.awake(zoo.Net(block)), zoo.anatomy(name))
    for name, block in {**zoo.BLOCKS, **zoo.REFUSED}.items()
}
ANATOMIES |= {
    f"resnet {shortcut}": (model := zoo.resnet(shortcut), zoo.resnet_anatomy(model))
    for shortcut in ("A", "B")
}


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(ANATOMIES)), seed=st.integers(0, 10**9))
def test_the_cost_without_is_that_of_the_network_that_was_cut(name, seed):
    model, anatomy = ANATOMIES[name]
    sample = zoo.images(channels=2 if name.startswith("resnet") else 3)
    layers, neurons = _random_cut(anatomy, seed)
    before = cost_of(model, sample)
    predicted = before.without([layer.name for layer in layers], neurons)
    after = cost_of(remove(Cut("neurons", tuple(layers), tuple(neurons)), model), sample)
    assert predicted.totals() == after.totals()
    saved = cut_of("neurons", before, layers, neurons).saves
    assert saved == {key: before.totals()[key] - after.totals()[key] for key in saved}


class Scaled(zoo.Block):
    """Parameters that belong to no operation: they go with their block."""

    def __init__(self) -> None:
        super().__init__(norm=lambda n: nn.GroupNorm(2, n))
        self.scale = nn.Parameter(torch.ones(zoo.WIDTH, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.last(self.second(self.inside(x)))


@pytest.mark.parametrize("block", [Scaled, *zoo.REFUSED.values()])
def test_a_block_goes_with_all_its_parameters_also_those_outside_of_operations(block):
    model = zoo.awake(zoo.Net(block))
    before = cost_of(model, zoo.images())
    cut = cut_of("layer", before, layers=[zoo.layer_by_hand("blocks.1")])
    owned = sum(p.numel() for p in model.blocks[1].parameters())
    assert cut.saves["params"] == owned
    assert cost_of(remove(cut, model), zoo.images()).params == before.params - owned


class Borrowing(nn.Module):
    """Two layers, and a block that multiplies with their weights, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 10), nn.Linear(10, 6)
        self.blocks = nn.ModuleList([Lent(self.first, self.second) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x))
        for block in self.blocks:
            x = block(x)
        return x


class Lent(nn.Module):
    """Layers that are held so that they are no parts of it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = F.linear(x, layer.weight)
        return x


def test_work_with_a_borrowed_weight_goes_with_who_borrows_and_narrows_with_the_weight():
    model, x = Borrowing(), Batch(torch.randn(2, 5, 6))
    before = cost_of(model, x)
    assert before.macs == 3 * 5 * 2 * 60
    group = Neurons("first", "", 10, (Member("first", "out"), Member("second", "in")))
    for layers, drop in ([], (2, 3, 7)), ([zoo.layer_by_hand("blocks.1")], (1,)):
        cut = Cut("neurons", tuple(layers), (NeuronCut(group, drop),))
        child = remove(cut, model)
        for block in child.blocks:
            block.layers = (child.first, child.second)
        predicted = before.without([layer.name for layer in layers], cut.neurons)
        assert predicted.totals() == cost_of(child, x).totals()
        assert predicted.macs == (3 - len(layers)) * 5 * 2 * 6 * (10 - len(drop))


class Mixer(nn.Module):
    """Between its layers, tokens are mixed channel by channel, by a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 12), nn.Linear(12, 8)
        self.mix = nn.Parameter(torch.randn(5, 5))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.mix @ F.relu(self.first(x)))


def test_work_that_keeps_channels_apart_shrinks_with_them():
    torch.manual_seed(0)
    model = nn.Sequential(*[Mixer() for _ in range(2)], nn.Flatten(), nn.Linear(40, 3)).eval()
    sample = Batch(torch.randn(4, 5, 8))
    before, groups = cost_of(model, sample), dissect(model, sample).neurons
    assert [group.name for group in groups] == ["0.first", "1.first"]
    cut = cut_of("neurons", before, neurons=[NeuronCut(groups[0], (0, 1, 5))])
    after = cost_of(remove(cut, model), sample)
    assert before.macs - after.macs == cut.saves["macs"] == 3 * (2 * 5 * 8 + 5 * 5)


def test_a_layer_is_not_taken_for_another_whose_name_begins_alike():
    model = CifarResNet(6 * 11 + 2)
    before = cost_of(model, zoo.images())
    one = before.without(["layer1.1"])
    assert before.params - one.params == sum(p.numel() for p in model.layer1[1].parameters())


def test_counting_leaves_no_trace():
    model = zoo.Net(zoo.Block).train()
    model.blocks[1].eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    cost_of(model, zoo.images())
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_inputs_may_be_a_dict():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = zoo.Net(zoo.Block)

        def forward(self, pixel_values: Tensor) -> Tensor:
            return self.net(pixel_values)

    named = Named()
    found = cost_of(named, Batch({"pixel_values": zoo.images().inputs}))
    assert found.totals() == cost_of(named.net, zoo.images()).totals()


def test_measure_gives_each_target():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    sample = zoo.images(2)
    assert measure(model, sample, "macs") == 36 * 4 * 27 + 144 * 5
    assert measure(model, sample, "params") == 4 * 27 + 4 + 144 * 5 + 5
    weights = 4 * (4 * 27 + 4 + 144 * 5 + 5)
    activations = 4 * (3 * 64 + 4 * 36)
    assert weights + activations <= measure(model, sample, "memory") <= weights + 3 * activations
    assert 0.0 < measure(model, sample, "latency") < 1.0
