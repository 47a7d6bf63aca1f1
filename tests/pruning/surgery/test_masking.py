"""Masking silences exactly what it names, as long as it lasts."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from leanfair.data.batches import forward
from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.masking import masked, masked_by
from leanfair.pruning.surgery.modules import (
    features_of,
)
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support.oracles import tiny, zoo
from tests.support.oracles.silence import far, logits, silenced


@pytest.mark.parametrize("kind", [*zoo.BLOCKS, *zoo.REFUSED])
def test_a_masked_network_is_the_one_with_zero_weights(kind):
    model = zoo.awake(zoo.Net({**zoo.BLOCKS, **zoo.REFUSED}[kind])).double()
    x = zoo.images().inputs.double()
    anatomy = zoo.anatomy(kind)
    whole = logits(model, x)
    for seed in range(3):
        rng = random.Random(seed)
        drops = [
            NeuronCut(group, tuple(sorted(rng.sample(range(group.count), group.count // 2))))
            for group in anatomy.neurons
        ]
        cut = Cut("neurons", tuple(rng.sample(anatomy.layers, 1)), tuple(drops))
        with masked_by(cut, model) as same:
            assert same is model
            out = logits(model, x)
        assert far(out, logits(silenced(cut, model), x)) < 1e-10
        assert far(out, whole) > 1e-6
    assert torch.equal(logits(model, x), whole)


def test_masks_are_gone_after_an_error():
    model = zoo.awake(zoo.Net(zoo.Block))
    group = zoo.by_hand("blocks.0")
    with pytest.raises(KeyboardInterrupt), masked(model, neurons=(NeuronCut(group, (0,)),)):
        raise KeyboardInterrupt
    with (
        pytest.raises(SurgeryError, match=r"no module blocks\.7\.last"),
        masked(model, (zoo.layer_by_hand("blocks.0"), zoo.layer_by_hand("blocks.7"))),
    ):
        pass
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_nothing_masked_changes_nothing():
    model = zoo.awake(zoo.Net(zoo.Block))
    x = zoo.images().inputs
    whole = logits(model, x)
    with masked(model, neurons=(NeuronCut(zoo.by_hand("blocks.0"), ()),)):
        assert torch.equal(logits(model, x), whole)
    with masked(model):
        assert torch.equal(logits(model, x), whole)


def test_the_input_of_the_caller_is_not_touched():
    model = nn.Sequential(nn.Linear(4, 3))
    x = torch.randn(2, 4)
    before = x.clone()
    group = Neurons("0", "0", 4, (Member("0", "in"),))
    with masked(model, neurons=(NeuronCut(group, (1, 2)),)):
        out = model(x)
    assert torch.equal(x, before)
    x[:, 1:3] = 0.0
    assert torch.equal(out, model(x))


def test_a_dense_layer_is_masked_along_its_last_dimension():
    model = nn.Linear(4, 3)
    tokens = torch.randn(2, 4, 4)
    group = Neurons("", "", 4, (Member("", "in"),))
    with masked(model, neurons=(NeuronCut(group, (0,)),)):
        out = model(tokens)
    tokens[..., 0] = 0.0
    assert torch.equal(out, model(tokens))


def test_a_module_that_returns_several_things_is_silenced_in_the_first():
    class Two(nn.Module):
        def forward(self, x):
            return x + 1, x + 2

    model = nn.Sequential(Two())
    with masked(model, layers=(Layer("0", "", ("0",)),)):
        first, second = model(torch.ones(2))
    assert first.tolist() == [0.0, 0.0]
    assert second.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_a_masked_head_attends_to_nothing_and_the_others_as_before(family):
    """As if the values of the head, and their biases, were zero."""
    model, anatomy = tiny.FAMILIES[family]()
    batch = tiny.sample(family)
    group = next(group for group in anatomy.neurons if group.unit == "head")
    member = group.members[2]
    own = features_of(Member("", "out", member.offset, member.repeat), (1,))
    with torch.no_grad(), masked(model, neurons=(NeuronCut(group, (1,)),)):
        expected = forward(model, batch.inputs)
    module = model.get_submodule(member.module)
    with torch.no_grad():
        (module.weight.T if isinstance(module, nn.Linear) else module.weight)[:, own] = 0.0
        if module.bias is not None:
            module.bias[own] = 0.0
        assert far(forward(model, batch.inputs), expected) < 1e-5


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_without_a_layer_what_follows_is_given_what_the_layer_was_given(family):
    model, anatomy = tiny.FAMILIES[family]()
    seen: list[torch.Tensor] = []
    blocks = [model.get_submodule(layer.name) for layer in anatomy.layers]
    handles = [
        block.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
        for block in blocks[1:]
    ]
    with torch.no_grad(), masked(model, layers=anatomy.layers[1:2]):
        forward(model, tiny.sample(family).inputs)
    for handle in handles:
        handle.remove()
    assert torch.equal(*seen)
