"""What a configuration cannot say is refused by name; the rest goes in equal numbers."""

from __future__ import annotations

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.configuration.entries import configured_model
from leanfair.pruning.structures.configuration.uniform import (
    COUNTS,
    NO_CACHE,
    NO_DEPTH,
    NO_ENTRY,
    NOT_STOCK,
    UNLIKE,
    uniform,
    writing,
)
from leanfair.pruning.types import Anatomy, Layer, Member, Neurons
from tests.support import words

SAMPLE = Batch({"input_ids": words.texts(2)})


def units(layer: int, *parts: str) -> Neurons:
    """The hidden units of a layer of `words.llama`, which run through `parts` of its MLP."""
    block = f"model.layers.{layer}"
    outs = tuple(Member(f"{block}.mlp.{part}_proj", "out") for part in parts)
    members = (*outs, Member(f"{block}.mlp.down_proj", "in"))
    return Neurons(f"{block}.mlp.{parts[0]}_proj", block, 48, members)


def block(index: int, *fields: str) -> Layer:
    name = f"model.layers.{index}"
    exits = (f"{name}.self_attn.o_proj", f"{name}.mlp.down_proj")
    return Layer(name, "model.layers", exits, fields)


def anatomy(layers: tuple[Layer, ...], neurons: tuple[Neurons, ...]) -> Anatomy:
    return Anatomy(layers, neurons, (), (), "lm_head", {"before": "why"})


def test_units_of_all_layers_are_tied_by_their_entry() -> None:
    model = words.llama()
    layers = block(0, "num_hidden_layers"), block(1, "num_hidden_layers")
    both = units(0, "gate", "up"), units(1, "gate", "up")
    found = uniform(anatomy(layers, both), configured_model(model), SAMPLE)
    assert found.layers == layers
    assert found.ties == (tuple(group.name for group in both),)
    assert [group.fields for group in found.neurons] == [(("intermediate_size", 1),)] * 2
    assert found.refused == {"before": "why"}


def test_what_has_no_entry_and_what_is_not_rebuilt_equal_are_refused_each_with_its_reason() -> None:
    model = words.llama()
    alone = units(1, "gate", "up")
    found = uniform(anatomy((block(1),), (alone,)), configured_model(model), SAMPLE)
    assert (found.layers, found.neurons, found.ties) == ((), (), ())
    assert found.refused == {
        "before": "why", "model.layers.1": NO_DEPTH, alone.name: NO_ENTRY,
    }  # fmt: skip
    # A layer whose entry is another one: transformers then builds another network.
    wrong = block(1, "intermediate_size")
    found = uniform(anatomy((wrong,), ()), configured_model(model), SAMPLE)
    assert found.refused["model.layers.1"] == UNLIKE


def test_a_model_without_a_configuration_of_its_own_keeps_everything() -> None:
    model = words.llama()
    given = anatomy((block(1, "num_hidden_layers"),), (units(0, "gate", "up"),))
    narrowed = configured_model(model)
    assert narrowed is not None
    model.get_submodule("model.layers.0.mlp").up_proj = nn.Linear(32, 40, bias=False)
    for configured in (None, narrowed):
        found = uniform(given, configured, SAMPLE)
        assert (found.layers, found.neurons) == ((), ())
        assert found.refused == {
            "before": "why",
            "model.layers.1": NOT_STOCK,
            "model.layers.0.mlp.gate_proj": NOT_STOCK,
        }


class Mixed(nn.Module):
    """Layers of which the configuration says that the second and the last are attentions."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        from transformers import PretrainedConfig

        self.model = nn.Module()
        self.model.layers = nn.ModuleList(nn.Linear(2, 2) for _ in kinds)
        self.config = PretrainedConfig(kinds=list(kinds))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_a_model_that_writes_keeps_the_layers_that_its_cache_is_made_by() -> None:
    listed = [Layer(f"model.layers.{i}", "model.layers", (), (), ("kinds",)) for i in range(3)]
    given = anatomy((*listed, Layer("other.0", "other", ())), ())
    mixed = Mixed("linear_attention", "full_attention", "full_attention")
    found = writing(given, mixed)
    assert found.layers == (listed[0], listed[2])
    assert found.refused == {"before": "why", "model.layers.1": COUNTS, "other.0": NO_CACHE}
    alike = writing(given, Mixed("full_attention", "sliding_attention", "full_attention"))
    assert alike.layers == tuple(listed)
