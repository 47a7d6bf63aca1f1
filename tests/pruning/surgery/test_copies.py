"""A copy that shares memory is told from its original in everything else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from leanfair.pruning.surgery.copies import (
    deep_copy,
    frame_of,
    own_memory,
    shared_copy,
)
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support import words
from tests.support.nets import same, tiny


def test_a_copy_has_the_same_weights_at_the_same_place_and_ties_stay_ties() -> None:
    model = words.llama()
    model.lm_head.weight = model.model.embed_tokens.weight
    child = shared_copy(model)
    assert same(child, model)
    for one, other in zip(model.parameters(), child.parameters(), strict=True):
        assert one is not other
        assert one.data_ptr() == other.data_ptr()
        assert one.requires_grad == other.requires_grad
    assert child.lm_head.weight is child.model.embed_tokens.weight


def test_casting_or_replacing_leaves_the_original_as_it_was() -> None:
    model = tiny()
    was = {name: value.clone() for name, value in model.state_dict().items()}
    child = shared_copy(model).half()
    child.train()(torch.zeros(2, 1, 8, 8).half())  # buffers change, and are its own
    assert all(torch.equal(value, was[name]) for name, value in model.state_dict().items())


def test_memory_is_taken_where_it_is_shared_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    child = shared_copy(model)
    child[1].weight = nn.Parameter(torch.zeros(2, 3))
    kept = child[1].weight.data_ptr()
    own_memory(child, [model])
    assert child[1].weight.data_ptr() == kept
    assert child[0].weight.data_ptr() != model[0].weight.data_ptr()
    assert torch.equal(child[0].weight, model[0].weight)
    with torch.no_grad():
        child[0].weight.fill_(9.0)
    assert not torch.equal(child[0].weight, model[0].weight)


class _Own(nn.Linear):
    """Copies itself by code of its own."""

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        made = _Own(self.in_features, self.out_features)
        made.load_state_dict(self.state_dict())
        return made


class _Holding(nn.Module):
    """Holds all kinds of things beside its modules, one of which is there twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.again = self.first
        self.register_buffer("seen", torch.arange(4.0)[1:])
        self.listed = [self.first, "text"]
        self.told = {"a": 1, "b": [2]}
        self.shared = self.told
        self.pair = (1, [2])
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(self.again(self.first(x)))
        return found


COPIED: dict[str, Callable[[], nn.Module]] = {
    "small": tiny,
    "transformers": words.llama,
    "one that holds much": _Holding,
    "by code of its own": lambda: nn.Sequential(_Own(3, 3), nn.ReLU()),
    "parametrized": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 3))),
}


@pytest.mark.parametrize("name", sorted(COPIED))
def test_a_deep_copy_is_what_copy_makes(name: str) -> None:
    model = COPIED[name]().eval()
    mine, its = deep_copy(model, {}), copy.deepcopy(model)
    assert same(mine, its)
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in its.named_modules()]
    for one, other, first in zip(mine.modules(), its.modules(), model.modules(), strict=True):
        assert vars(one).keys() == vars(other).keys()
        assert type(one) is type(other)
        assert one is not first
        assert one.training == other.training
    held = {value.data_ptr() for value in model.state_dict().values()}
    assert not held & {value.data_ptr() for value in mine.state_dict().values()}


def test_what_is_there_twice_is_copied_once() -> None:
    made = deep_copy(_Holding(), {})
    assert made.again is made.first
    assert made.listed[0] is made.first
    assert made.shared is made.told
    assert made.told["b"] is not _Holding().told["b"]


@pytest.mark.parametrize("name", sorted(COPIED))
def test_a_frame_has_the_names_and_the_very_tensors(name: str) -> None:
    model = COPIED[name]().eval()
    frame = frame_of(model)
    assert [n for n, _ in frame.named_modules()] == [n for n, _ in model.named_modules()]
    assert frame.state_dict().keys() == model.state_dict().keys()
    for one, other in zip(frame.modules(), model.modules(), strict=True):
        assert one is not other
        assert vars(one).keys() == vars(other).keys()
    for mine, its in ((frame.parameters(), model.parameters()), (frame.buffers(), model.buffers())):
        assert all(one is other for one, other in zip(mine, its, strict=True))


def test_what_is_narrowed_or_taken_out_of_a_frame_stays_in_the_model() -> None:
    model = tiny()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    group = Neurons(
        "layer1.0.conv1", "layer1.0", 16,
        (
            Member("layer1.0.conv1", "out"), Member("layer1.0.bn1", "both"),
            Member("layer1.0.conv2", "in"),
        ),
    )  # fmt: skip
    layer = Layer("layer2.1", "layer2", ("layer2.1.bn2",))
    cut = Cut("neurons", layers=(layer,), neurons=(NeuronCut(group, (0, 3)),))
    frame, whole = frame_of(model), copy.deepcopy(model)
    narrow(cut, frame)
    narrow(cut, whole)
    assert same(frame, whole)
    assert frame.layer1[0].conv1.out_channels == whole.layer1[0].conv1.out_channels == 14
    assert model.layer1[0].conv1.out_channels == 16
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
