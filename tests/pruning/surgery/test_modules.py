"""Dense layers, positions of neurons, and the first tensor of a call."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.pruning.surgery.modules import (
    consumers,
    feature_dim,
    features_of,
    first_tensor,
    is_dense,
    with_first_tensor,
)
from leanfair.pruning.types import Member
from tests.support.oracles import zoo


def test_a_neuron_owns_its_repeats_from_the_offset_on():
    assert features_of(Member("m", "in"), (0, 3)).tolist() == [0, 3]
    assert features_of(Member("m", "in", 5, 1), (0, 3)).tolist() == [5, 8]
    assert features_of(Member("m", "in", 10, 4), (0, 2)).tolist() == [
        *range(10, 14),
        *range(18, 22),
    ]
    assert features_of(Member("m", "in", 1, 4), ()).tolist() == []


def test_consumers_are_the_members_that_read():
    assert [member.module for member in consumers(zoo.by_hand("b"))] == ["b.second"]


def test_the_first_tensor_of_a_call_is_found_and_replaced_wherever_it_stands():
    x, new = torch.ones(1), torch.zeros(1)
    for args, kwargs in (((x, 3), {}), ((None, x), {"k": 1}), ((), {"k": 1, "x": x})):
        assert first_tensor(args, kwargs)[1] is x
        replaced = with_first_tensor(args, kwargs, new)
        assert first_tensor(*replaced)[1] is new
        assert len(replaced[0]) == len(args)
        assert replaced[1].keys() == kwargs.keys()
    with pytest.raises(TypeError):
        first_tensor((1,), {"k": None})


def test_a_dense_layer_the_other_way_round_is_one():
    from transformers.pytorch_utils import Conv1D

    class Own(Conv1D):
        pass

    for module in (nn.Linear(2, 3), Conv1D(3, 2), Own(3, 2)):
        assert is_dense(module)
        assert feature_dim(module) == -1
    for other in (nn.Conv1d(2, 3, 1), nn.ReLU(), nn.Embedding(2, 3)):
        assert not is_dense(other)
    assert feature_dim(nn.Conv1d(2, 3, 1)) == 1
