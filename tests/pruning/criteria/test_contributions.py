"""Energy is what a structure adds to the stream, as found by taking it away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.data.language import flattened
from leanfair.errors import InputError
from leanfair.pruning.criteria.contributions import kernel_norms
from leanfair.pruning.criteria.criteria import CRITERIA
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.surgery.modules import consumers
from leanfair.pruning.types import Anatomy, Member, NeuronCut, Neurons, Scores
from tests.support.oracles import tiny, zoo


def _contribution(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> Scores:
    return CRITERIA["contribution"](model, anatomy, batches, 0, lambda share: None)


def _seen(model: nn.Module, batch: Batch, names: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Input and output of some modules."""
    found: dict[str, tuple[Any, Any]] = {}

    def look(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            found[name] = next(iter((*args, *kwargs.values()))), output

        return hook

    handles = [
        model.get_submodule(name).register_forward_hook(look(name), with_kwargs=True)
        for name in names
    ]
    with torch.no_grad():
        forward(model, batch.inputs)
    for handle in handles:
        handle.remove()
    return found


def _by_masking(model: nn.Module, group: Neurons, i: int, batches: Sequence[Batch]) -> float:
    """What the consumer no longer gives without neuron `i`, by the block's output, by token."""
    (member,) = consumers(group)
    rows = []
    for batch in batches:
        whole = _seen(model, batch, (member.module, group.block))
        with masked(model, neurons=(NeuronCut(group, (i,)),)):
            without = _seen(model, batch, (member.module,))
        change = whole[member.module][1] - without[member.module][1]
        share = change.square().sum(-1) / whole[group.block][1].square().sum(-1)
        rows.append(flattened(batch, share[..., None]))
    return float(torch.cat(rows).mean())


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_contribution_of_neurons_is_what_their_consumer_misses_without_them(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = [tiny.sample(family, 3), tiny.sample(family, 2, seed=4)]
    if family != "vit":
        batches[1] = tiny.padded(batches[1])
    found = _contribution(model, anatomy, batches)
    for group in anatomy.neurons[1:4]:
        for i in (0, group.count - 1):
            expected = _by_masking(model, group, i, batches)
            assert found.neurons[group.name][i] == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_contribution_of_a_layer_is_how_far_it_moves_the_stream(family):
    model, anatomy = tiny.FAMILIES[family]()
    batch = tiny.sample(family, 3)
    found = _contribution(model, anatomy, [batch])
    for layer in anatomy.layers:
        x, y = _seen(model, batch, (layer.name,))[layer.name]
        share = (y - x).square().sum(-1) / y.square().sum(-1)
        assert found.layers[layer.name] == pytest.approx(float(share.mean()), rel=1e-5)


def test_contribution_of_a_convolution_is_exact_where_it_reads_one_position_at_a_time():
    model = zoo.awake(zoo.Net(zoo.Block))
    for block in model.blocks:
        block.second = nn.Conv2d(zoo.HIDDEN, zoo.WIDTH, 1)
    zoo.awake(model)
    batch, anatomy = zoo.images(), zoo.anatomy("plain")
    found = _contribution(model, anatomy, [batch])
    for group in anatomy.neurons:
        consumer = f"{group.block}.second"
        whole = _seen(model, batch, (consumer, group.block))
        stream = whole[group.block][1].square().sum((1, 2, 3))
        for i in range(group.count):
            with masked(model, neurons=(NeuronCut(group, (i,)),)):
                change = whole[consumer][1] - _seen(model, batch, (consumer,))[consumer][1]
            expected = float((change.square().sum((1, 2, 3)) / stream).mean())
            assert found.neurons[group.name][i] == pytest.approx(expected, rel=1e-3, abs=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d])
def test_the_kernels_of_an_input_channel_are_those_that_its_slope_knows(kind, groups):
    module = kind(8, 12, 1, groups=groups, bias=False)
    shape = (1, 8) + (1,) * (2 if kind is not nn.Conv1d else 1)
    for i, norm in enumerate(kernel_norms(module).tolist()):
        x = torch.zeros(shape)
        x[0, i] = 1.0
        assert norm == pytest.approx(float(module(x).square().sum().detach()), rel=1e-5)


def test_wide_kernels_are_summed_and_the_stride_of_the_consumer_counts():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 3, stride=2, padding=1)).eval()
    group = Neurons("0", "0", 4, (Member("0", "out"), Member("1", "in")))
    anatomy = Anatomy((), (group,), (), ("0", "1"), "1", {})
    x = zoo.images(5).inputs
    found = _contribution(model, anatomy, [Batch(x)]).neurons["0"]
    with torch.no_grad():
        inner, outer = model[0](x), model(x)
    for i, score in enumerate(found):
        norm = model[1].weight[:, i].square().sum() * outer[0, 0].numel()
        shares = norm * inner[:, i].square().mean((1, 2)) / outer.square().sum((1, 2, 3))
        assert score == pytest.approx(float(shares.detach().mean()), rel=1e-4)


def test_several_consumers_in_a_block_are_summed():
    class Two(zoo.Block):
        def __init__(self) -> None:
            super().__init__()
            self.other = nn.Conv2d(zoo.HIDDEN, zoo.WIDTH, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.inside(x)
            return torch.relu(x + self.last(self.second(y)) + self.other(y))

    model = zoo.awake(zoo.Net(Two))
    first, other = Member("blocks.0.second", "in"), Member("blocks.0.other", "in")

    def score(*members: Member) -> Tensor:
        group = Neurons("blocks.0.first", "blocks.0", zoo.HIDDEN, members)
        plain = zoo.anatomy("plain")
        anatomy = Anatomy((), (group,), (), plain.units, plain.head, {})
        return torch.tensor(_contribution(model, anatomy, [zoo.images()]).neurons["blocks.0.first"])

    assert torch.allclose(score(first, other), score(first) + score(other), rtol=1e-5)


def test_a_stream_that_is_zero_counts_for_nothing():
    model = zoo.awake(zoo.Net(zoo.Block))
    with torch.no_grad():
        model.blocks[2].last.bias.fill_(-1e6)
    found = _contribution(model, zoo.anatomy("plain"), [zoo.images()])
    assert found.layers["blocks.2"] == 0.0
    assert set(found.neurons["blocks.2.first"]) == {0.0}


def test_a_block_that_changes_its_input_in_place_is_measured_by_what_it_was_given():
    class Spending(zoo.Block):
        def forward(self, x: Tensor) -> Tensor:
            return x.add_(self.last(self.second(self.inside(x))))

    class Saving(zoo.Block):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.last(self.second(self.inside(x)))

    scores = [
        _contribution(zoo.awake(zoo.Net(kind)), zoo.anatomy("plain"), [zoo.images()])
        for kind in (Spending, Saving)
    ]
    assert scores[0] == scores[1]
    assert min(scores[0].layers.values()) > 1e-3


def test_needs_no_gradients_and_can_be_had_of_frozen_weights():
    model, anatomy = tiny.llama()
    free = _contribution(model, anatomy, [tiny.tokens()])
    model.requires_grad_(False)
    model.forward = torch.no_grad()(model.forward)
    assert _contribution(model, anatomy, [tiny.tokens()]) == free


def test_a_consumer_of_an_unknown_kind_is_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.Bilinear(4, 4, 2))
    group = Neurons("0", "0", 4, (Member("0", "out"), Member("1", "in")))
    with pytest.raises(InputError, match="what a Bilinear makes of 0"):
        _contribution(
            model, Anatomy((), (group,), (), ("0", "1"), "1", {}), [Batch(torch.ones(2, 4))]
        )
