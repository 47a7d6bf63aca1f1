"""The attributes that count heads are found by building one head less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from leanfair.pruning.structures.configuration.entries import ConfiguredModel, configured_model
from leanfair.pruning.structures.configuration.head_attributes import with_head_attributes
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons
from tests.support import words

BLOCK = "bert.encoder.layer.{}"


def of(model: nn.Module) -> ConfiguredModel:
    configured = configured_model(model)
    assert configured is not None
    return configured


def heads(layer: int, count: int = 4) -> Neurons:
    """The heads of a layer of `words.bert`, 8 channels each."""
    block = BLOCK.format(layer)
    outs = [Member(f"{block}.attention.self.{x}", "out", 0, 8) for x in ("query", "key", "value")]
    members = (*outs, Member(f"{block}.attention.output.dense", "in", 0, 8))
    return Neurons(outs[0].module, block, count, members, "head")


def test_the_counts_of_heads_and_of_their_channels_are_found_in_each_layer() -> None:
    groups = [heads(0), heads(1)]
    found = with_head_attributes(of(words.bert()), groups)
    for layer, (group, before) in enumerate(zip(found, groups, strict=True)):
        attention = f"{BLOCK.format(layer)}.attention.self"
        assert set(group.sizes) == {
            (attention, "num_attention_heads"), (attention, "all_head_size"),
        }  # fmt: skip
        assert replace(group, sizes=()) == before


def test_a_layer_that_has_lost_heads_has_the_same_attributes() -> None:
    model = words.bert()
    (whole,) = with_head_attributes(of(model), [heads(0)])
    narrow(Cut("neurons", neurons=(NeuronCut(whole, (1,)),)), model)
    attention = model.get_submodule(f"{BLOCK.format(0)}.attention.self")
    assert (attention.num_attention_heads, attention.all_head_size) == (3, 24)
    (less,) = with_head_attributes(of(model), [heads(0, count=3)])
    assert less.sizes == whole.sizes


@pytest.mark.parametrize("attribute", ["num_attention_heads", "all_head_size"])
def test_an_attribute_that_the_model_itself_lacks_is_left_out(attribute: str) -> None:
    model = words.bert()
    configured = of(model)
    delattr(model.get_submodule(f"{BLOCK.format(1)}.attention.self"), attribute)
    first, second = with_head_attributes(configured, [heads(0), heads(1)])
    assert len(first.sizes) == 2
    assert attribute not in {name for _, name in second.sizes}
    assert len(second.sizes) == 1


def test_heads_of_which_none_can_be_spared_have_no_attributes() -> None:
    one = heads(0, count=1)
    members = tuple(replace(member, repeat=32) for member in one.members)
    (found,) = with_head_attributes(of(words.bert()), [replace(one, members=members)])
    assert found.sizes == ()
