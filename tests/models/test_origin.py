"""What says how a network is built again, and what tells it from others."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import nn

from leanfair.models.origin import (
    ATTRIBUTE,
    Origin,
    fingerprint,
    title_of,
    weights_hash,
    with_origin,
)
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.architecture import origin_of
from leanfair.pruning.types import Cut
from tests.support.nets import resnet
from tests.support.tiny_text import bert, llama


def test_an_architecture_that_was_changed_by_hand_has_no_origin() -> None:
    model = CifarResNet(20)
    model.layer1 = nn.Sequential(*list(model.layer1)[:-1])
    assert origin_of(model) is None
    assert origin_of(nn.Sequential(nn.Linear(2, 2))) is None


def test_a_fingerprint_tells_weights_names_and_classes_apart() -> None:
    torch.manual_seed(0)
    model = CifarResNet(8)
    first = fingerprint(model)
    assert fingerprint(model) == first
    with torch.no_grad():
        model.linear.bias[0] += 1e-6
    assert fingerprint(model) != first
    assert len({fingerprint(nn.Linear(2, 3)), fingerprint(nn.Linear(3, 2))}) == 2


def test_a_title_is_what_a_person_would_say() -> None:
    model: Any = llama()
    assert title_of(model) == "Llama"
    assert title_of(bert()) == "Bert"
    assert title_of(resnet()) == "ResNet"
    model.config.name_or_path = "org/Small-1B"
    assert title_of(model) == "Small-1B"
    model.config.name_or_path = "/cache/0123456789abcdef0123456789abcdef"
    assert title_of(model) == "Llama"


def test_a_hash_of_weights_tells_values_names_types_and_classes_apart() -> None:
    class Other(nn.Sequential):
        pass

    def net(kind: type[nn.Sequential] = nn.Sequential) -> nn.Sequential:
        torch.manual_seed(0)
        return kind(nn.Linear(2, 2))

    one, moved = net(), net()
    moved[0].weight.data[0, 0] += 1e-6
    named = nn.Sequential()
    named.add_module("first", net()[0])
    hashes = [weights_hash(each) for each in (one, moved, named, net().half(), net(Other))]
    assert len(set(hashes)) == len(hashes)
    assert weights_hash(net()) == hashes[0]


def test_cuts_that_were_made_are_added_to_those_that_were_known() -> None:
    origin = Origin("timm", {"name": "a"}, cuts=({"kind": "layer"},))
    cut = Cut("neurons", saves=1)
    found = getattr(with_origin(nn.Linear(1, 1), origin, [cut]), ATTRIBUTE)
    assert found.cuts == ({"kind": "layer"}, cut.to_json())
    assert Origin.from_json(json.loads(json.dumps(found.to_json()))).cuts[0] == {"kind": "layer"}
    assert not hasattr(with_origin(nn.Linear(1, 1), None), ATTRIBUTE)
