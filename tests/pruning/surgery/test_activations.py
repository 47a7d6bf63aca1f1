"""Outputs and penultimate features of a network, and where its head is found."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.pruning.criteria.partial_forward import sites
from leanfair.pruning.surgery.activations import (
    dense_runs,
    features,
    find_head,
    head_among,
    head_of,
    outputs,
)
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import Layer, NeuronCut, Structure
from tests.support.oracles import tiny, zoo


def _batches(dtype: torch.dtype = torch.float32) -> list[Batch]:
    x = zoo.images(7).inputs.to(dtype)
    return [Batch(x[:3]), Batch(x[3:5]), Batch(x[5:])]


def _masks(structure: Structure) -> list[dict]:
    if isinstance(structure, Layer):
        return [{"layers": (structure,)}]
    return [{"neurons": (NeuronCut(structure, (i,)),)} for i in (0, structure.count - 1)]


def test_outputs_are_those_of_the_model_in_evaluation_mode():
    model = zoo.awake(zoo.Net(zoo.BLOCKS["dropout"]))
    batches = _batches()
    seen: list[Tensor] = []
    handle = model.head.register_forward_hook(lambda m, args, out: seen.append(args[0]))
    with torch.no_grad():
        expected = torch.cat([model(batch.inputs) for batch in batches])
    handle.remove()
    found = outputs(model.train(), batches)
    assert torch.equal(found.logits, expected)
    assert torch.equal(found.features, torch.cat(seen))
    assert model.training


def test_the_head_is_the_last_operation_with_weights_that_runs():
    class Two(zoo.Net):
        def __init__(self) -> None:
            super().__init__(zoo.Block)
            self.auxiliary = nn.Linear(zoo.WIDTH, 9)

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                return self.auxiliary(super().forward(x))
            return super().forward(x)

    model = Two()
    assert head_of(model.train(), zoo.images()) == "head"
    assert model.training
    convolutional = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert head_of(convolutional, zoo.images()) == "1"
    assert outputs(convolutional, [zoo.images(5)]).features.shape == (5, 4 * 36)


def _texts(family: str) -> list[Batch]:
    batches = [tiny.sample(family, 3), tiny.sample(family, 2, seed=4)]
    return batches if family == "vit" else [*batches, tiny.padded(tiny.sample(family, 2, seed=5))]


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_features_are_those_of_the_outputs_without_the_head(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = _texts(family)
    whole = outputs(model, batches)
    assert torch.equal(torch.cat(list(features(model.train(), batches))), whole.features)
    assert model.training
    # Once for one sample, to see which it is; a hook would count calls, so its forward does.
    head = model.get_submodule(anatomy.head)
    calls: list[int] = []
    original = head.forward
    head.forward = lambda x: calls.append(len(x)) or original(x)
    list(features(model, batches))
    assert calls == [1]
    for site in sites(model, anatomy, batches, logits=False):
        for structure in site.structures[:1]:
            with masked(model, **_masks(structure)[0]):
                found, expected = site.run(), outputs(model, batches).features
            assert torch.equal(found.features, expected)
            assert found.logits.shape == (len(expected), 0)


def test_features_of_a_head_that_runs_twice_are_those_of_its_last_run():
    class Again(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            first = super().forward(x)
            return super().forward(x * first.mean())

    model = zoo.awake(Again(zoo.Block))
    found = torch.cat(list(features(model, _batches())))
    assert torch.equal(found, outputs(model, _batches()).features)


def test_features_of_classifiers_are_those_of_the_outputs():
    model = zoo.awake(zoo.Net(zoo.Block))
    found = torch.cat(list(features(model, _batches())))
    assert torch.equal(found, outputs(model, _batches()).features)


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_the_head_of_a_transformer_is_found_also_where_its_weight_is_tied(family):
    model, anatomy = tiny.FAMILIES[family]()
    assert head_of(model, tiny.sample(family)) == anatomy.head


def test_the_head_may_be_a_dense_layer_the_other_way_round():
    from transformers.pytorch_utils import Conv1D

    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), Conv1D(2, 3))
    assert head_of(model, Batch(torch.ones(2, 4))) == "2"
    assert outputs(model, [Batch(torch.ones(2, 4))]).features.shape == (2, 3)


@pytest.mark.parametrize("family", ["llama", "vit"])
def test_a_head_may_be_told_by_a_pass_that_was_made_for_something_else(family: str) -> None:
    model, _ = tiny.FAMILIES[family]()
    batch = tiny.sample(family, 3)
    with dense_runs(model.eval()) as ran:
        logits = forward(model, batch.inputs)
    assert head_among(ran, model, logits) == find_head(model, batch)
    assert not any(module._forward_pre_hooks for module in model.modules())
