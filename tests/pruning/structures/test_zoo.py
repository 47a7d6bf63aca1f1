"""What holds for every network: all that is offered can go, exactly, and again after that."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from leanfair.pruning.cost.macs import cost_of, cut_of
from leanfair.pruning.criteria.criteria import CRITERIA
from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Anatomy, NeuronCut, Neurons
from tests.support.marks import mostly_real
from tests.support.zoo import CASES, PROOF, randomised

ALL = pytest.mark.parametrize("name", sorted(CASES))


@cache
def made(name: str) -> tuple[nn.Module, Anatomy]:
    """The network and its structures, found once: nothing here changes a network."""
    torch.manual_seed(0)
    model = randomised(CASES[name].make())
    return model, anatomy_of(model, PROOF)


def random_cut(group: Neurons, seed: int) -> NeuronCut:
    """Some of the neurons, at least one and not all."""
    order = torch.randperm(group.count, generator=torch.Generator().manual_seed(seed))
    return NeuronCut(group, tuple(sorted(order[: max(1, group.count // 3)].tolist())))


@ALL
def test_layers_and_neurons_are_found(name: str) -> None:
    _, anatomy = made(name)
    assert (len(anatomy.layers), len(anatomy.neurons)) == CASES[name][1:], anatomy.refused


@ALL
def test_each_layer_can_go(name: str) -> None:
    model, anatomy = made(name)
    before = cost_of(model, PROOF)
    for layer in anatomy.layers:
        cut = cut_of("layer", before, layers=[layer])
        child = apply(cut, model, PROOF)
        after = cost_of(child, PROOF).totals()
        assert after == {key: before.totals()[key] - saved for key, saved in cut.saves.items()}


@ALL
def test_neurons_of_each_group_can_go(name: str) -> None:
    model, anatomy = made(name)
    before = cost_of(model, PROOF)
    for seed, group in enumerate(anatomy.neurons):
        cut = cut_of("neurons", before, neurons=[random_cut(group, seed)])
        child = apply(cut, model, PROOF)
        after = cost_of(child, PROOF).totals()
        assert after == {key: before.totals()[key] - saved for key, saved in cut.saves.items()}


@ALL
def test_it_can_be_dissected_again_after_a_cut_of_everything_at_once(name: str) -> None:
    model, anatomy = made(name)
    neurons = tuple(random_cut(group, 1) for group in anatomy.neurons)
    firsts = {stage[0] for stage in anatomy.stages}
    layers = [layer for layer in anatomy.layers if layer.name not in firsts]
    before = cost_of(model, PROOF)
    narrow = apply(cut_of("neurons", before, neurons=neurons), model, PROOF)
    again = anatomy_of(narrow, PROOF)
    assert [layer.name for layer in again.layers] == [layer.name for layer in anatomy.layers]
    assert {g.name for g in again.neurons} >= {
        g.name for g in anatomy.neurons if g.count - max(1, g.count // 3) > 1
    }
    shallow = apply(cut_of("layer", before, layers=layers), narrow, PROOF)
    assert len(anatomy_of(shallow, PROOF).layers) == len(anatomy.layers) - len(layers)


@ALL
@pytest.mark.parametrize("criterion", mostly_real(["kl", "l1", "fisher"], ["fisher"]))
def test_everything_offered_can_be_scored(name: str, criterion: str) -> None:
    model, anatomy = made(name)
    scores = CRITERIA[criterion](model, anatomy, [PROOF], 0, lambda share: None)
    assert set(scores.layers) == {layer.name for layer in anatomy.layers}
    assert {k: len(v) for k, v in scores.neurons.items()} == {
        group.name: group.count for group in anatomy.neurons
    }
    assert all(score >= 0 for score in scores.layers.values())


@ALL
def test_every_refusal_says_why(name: str) -> None:
    _, anatomy = made(name)
    assert all(reason.strip() for reason in anatomy.refused.values())
    offered = {group.name for group in anatomy.neurons} | {layer.name for layer in anatomy.layers}
    assert not offered & set(anatomy.refused)
