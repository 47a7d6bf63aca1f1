"""A removal is physical, spares the parent, gives what silence gives, and is refused if not."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply, parts, remove
from leanfair.pruning.types import Cut, NeuronCut
from tests.support.cuts import CASES, MODELS, PROOF, X, neuron_cut, random_cut
from tests.support.oracles import zoo
from tests.support.oracles.silence import far, logits, silenced


@settings(max_examples=60, deadline=None)
@CASES
def test_the_smaller_network_gives_what_the_silenced_one_gives(name, seed):
    model, anatomy = MODELS[name]
    cut = random_cut(anatomy, seed)
    child = apply(cut, model, PROOF)
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10
    dropped = [n for n in cut.neurons if not any(n.group.block == e.name for e in cut.layers)]
    fewer = sum(p.numel() for p in child.parameters()) < sum(p.numel() for p in model.parameters())
    assert fewer == bool(cut.layers or any(n.drop for n in dropped))


@settings(max_examples=20, deadline=None)
@CASES
def test_a_cut_from_json_on_a_fresh_model_gives_the_very_same_network(name, seed):
    model, anatomy = MODELS[name]
    cut = random_cut(anatomy, seed)
    fresh = copy.deepcopy(model)
    replayed = remove(Cut.from_json(json.loads(json.dumps(cut.to_json()))), fresh)
    child = apply(cut, model, PROOF)
    one, other = child.state_dict(), replayed.state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(logits(child, X), logits(replayed, X))


@settings(max_examples=20, deadline=None)
@CASES
def test_the_parent_stays_as_it_is_and_shares_nothing_with_the_child(name, seed):
    model, anatomy = MODELS[name]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    addresses = {key: value.data_ptr() for key, value in model.state_dict().items()}
    names = [name for name, _ in model.named_modules()]
    child = apply(random_cut(anatomy, seed), model, PROOF)
    with torch.no_grad():
        for parameter in child.parameters():
            parameter.add_(1.0)
    after = model.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert {key: value.data_ptr() for key, value in after.items()} == addresses
    assert [name for name, _ in model.named_modules()] == names
    for module in (*model.modules(), *child.modules()):
        assert not module._forward_pre_hooks
        assert not module._forward_hooks


@pytest.mark.parametrize("name", sorted(MODELS))
def test_one_neuron_is_enough(name):
    model, anatomy = MODELS[name]
    drops = tuple(NeuronCut(g, tuple(range(1, g.count))) for g in anatomy.neurons)
    cut = Cut("neurons", neurons=drops)
    child = apply(cut, model, PROOF)
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10


@pytest.mark.parametrize("name", ["plain", "depthwise", "two branches"])
def test_what_is_left_can_be_trained_and_cut_again(name):
    model, anatomy = MODELS[name]
    child = apply(random_cut(anatomy, 1), model, PROOF).train()
    before = [parameter.clone() for parameter in child.parameters()]
    optimizer = torch.optim.SGD(child.parameters(), lr=0.1)
    child(X).square().mean().backward()
    optimizer.step()
    assert all(p.grad is not None for p in child.parameters())
    assert any(not torch.equal(p, old) for p, old in zip(child.parameters(), before, strict=True))
    child.eval()
    again = Cut.from_json(json.loads(json.dumps(random_cut(anatomy, 1).to_json())))
    with pytest.raises(SurgeryError):  # it is another network now
        apply(again, child, PROOF)
    if name == "plain":
        apply(random_cut(dissect(child, PROOF), 2), child, PROOF)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["plain", "depthwise", "prelu", "gate"])
def test_lower_precision_is_proven_too(name, dtype):
    model = zoo.awake(zoo.Net(zoo.BLOCKS[name])).to(dtype)
    anatomy = MODELS[name][1]
    for seed in range(4):
        child = apply(random_cut(anatomy, seed), model, Batch(X.to(dtype)))
        assert {parameter.dtype for parameter in child.parameters()} == {dtype}


def test_what_is_frozen_or_in_training_stays_so():
    model = zoo.Net(zoo.Block).train()
    model.blocks[0].first.weight.requires_grad_(False)
    model.blocks[2].last.bias.requires_grad_(False)
    model.blocks[1].eval()
    cut = Cut(
        "neurons",
        (zoo.layer_by_hand("blocks.1"),),
        tuple(NeuronCut(zoo.by_hand(f"blocks.{i}"), (1, 4)) for i in (0, 2)),
    )
    child = apply(cut, model, Batch(X.float()))
    frozen = [name for name, p in child.named_parameters() if not p.requires_grad]
    assert frozen == ["blocks.0.first.weight", "blocks.1.last.bias"]
    assert child.training
    assert child.blocks[0].training
    assert model.training
    assert not model.blocks[1].training
    assert model.blocks[0].training


def test_the_parts_of_a_cut_are_cuts_of_one_structure_each():
    cut = Cut("neurons", (zoo.layer_by_hand("blocks.1"),), neuron_cut(0, 1).neurons)
    assert [name for name, _ in parts(cut)] == ["blocks.1", "blocks.0.first"]
    assert [(len(p.layers), len(p.neurons)) for _, p in parts(cut)] == [(1, 0), (0, 1)]


def test_inputs_may_be_a_dict_and_outputs_an_object_with_logits():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = zoo.Net(zoo.Block)

        def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
            return {"loss": torch.zeros(()), "logits": self.net(pixel_values)}

    model = zoo.awake(Named()).double()
    child = apply(_cut_in("net.blocks.0", 1, 2), model, Batch({"pixel_values": X}))
    assert child.net.blocks[0].first.out_channels == 6


def _cut_in(block: str, *drop: int) -> Cut:
    return Cut("neurons", neurons=(NeuronCut(zoo.by_hand(block), drop),))
