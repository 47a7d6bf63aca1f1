"""An entry is what transformers builds from it, whatever the family calls it."""

from __future__ import annotations

import copy

import pytest
from torch import nn

from leanfair.pruning.structures.configuration.entries import (
    ConfiguredModel,
    Widths,
    built_with,
    configured_model,
)
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support import words


def of(model: nn.Module) -> ConfiguredModel:
    configured = configured_model(model)
    assert configured is not None
    return configured


def units(layer: int, family: str = "llama") -> Neurons:
    """The hidden units of a layer of one of `words`."""
    if family == "gpt2":
        block = f"transformer.h.{layer}"
        members = (Member(f"{block}.mlp.c_fc", "out"), Member(f"{block}.mlp.c_proj", "in"))
        return Neurons(f"{block}.mlp.c_fc", block, 128, members)
    block = f"model.layers.{layer}"
    outs = tuple(Member(f"{block}.mlp.{name}_proj", "out") for name in ("gate", "up"))
    members = (*outs, Member(f"{block}.mlp.down_proj", "in"))
    return Neurons(f"{block}.mlp.gate_proj", block, 48, members)


def heads(layer: int) -> Neurons:
    """The key-value heads of a layer of `words.llama`, each with its two queries."""
    block = f"model.layers.{layer}"
    widths = {"q": 16, "k": 8, "v": 8}
    outs = [Member(f"{block}.self_attn.{x}_proj", "out", 0, wide) for x, wide in widths.items()]
    members = (*outs, Member(f"{block}.self_attn.o_proj", "in", 0, 16))
    return Neurons(f"{block}.self_attn.q_proj", block, 2, members, "head")


def test_the_entry_of_hidden_units_narrows_all_layers_or_none() -> None:
    configured = of(words.llama())
    assert configured.widths([units(0), units(1)]) == Widths((("intermediate_size", 1),))
    assert configured.widths([units(0)]) is None  # one entry cannot narrow one layer of two


def test_an_entry_that_is_empty_by_default_is_found_too() -> None:
    configured = of(words.gpt2())
    assert configured.entries["n_inner"] is None
    found = configured.widths([units(0, "gpt2"), units(1, "gpt2")])
    assert found == Widths((("n_inner", 1),))
    assert found.entries(100) == {"n_inner": 100}


def test_heads_take_their_queries_with_them_and_their_width_is_stated() -> None:
    found = of(words.llama()).widths([heads(0), heads(1)])
    assert found is not None
    assert found.counts == (1,)
    less = built_with(words.llama(), found.entries(1))
    assert less is not None
    attention = less.get_submodule("model.layers.1.self_attn")
    shapes = {name: tuple(part.weight.shape) for name, part in attention.named_children()}
    assert shapes == {"q_proj": (16, 32), "k_proj": (8, 32), "v_proj": (8, 32), "o_proj": (32, 16)}


@pytest.mark.parametrize(
    ("family", "container", "field"),
    [("llama", "model.layers", "num_hidden_layers"), ("gpt2", "transformer.h", "n_layer")],
)
def test_the_number_of_layers_has_an_entry_of_the_family(
    family: str, container: str, field: str
) -> None:
    configured = of(getattr(words, family)())
    layer = Layer(f"{container}.0", container, ())
    assert configured.with_depth_entries(layer).fields == (field,)
    nowhere = Layer("lm_head", "nowhere", ())
    assert configured.with_depth_entries(nowhere) == nowhere


def test_a_network_of_another_shape_is_not_what_its_configuration_says() -> None:
    model = words.llama()
    assert of(model).same
    assert all(parameter.is_meta for parameter in of(model).reference.parameters())
    narrowed = copy.deepcopy(model)
    narrow(Cut("neurons", neurons=(NeuronCut(units(1), (0, 5)),)), narrowed)
    assert not of(narrowed).same


def test_what_transformers_refuses_to_build_is_none() -> None:
    assert built_with(words.llama(), {"num_attention_heads": 0}) is None
