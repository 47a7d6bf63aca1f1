"""The structures of a network as a whole: each in its place, and in order of execution."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from leanfair.data.batches import Batch
from leanfair.pruning.structures.configuration.entries import configured_model
from leanfair.pruning.structures.network import convolves, dissect_network
from tests.support import parts as p
from tests.support import words
from tests.support.zoo import CASES, PROOF, Net, randomised


def test_units_are_blocks_and_the_leaves_around_them_in_the_order_that_they_run() -> None:
    model = randomised(CASES["stages"].make())
    found = dissect_network(model, PROOF, "head")
    assert found.units == (
        "stem.0.0", "stem.0.1", "stem.1", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "head",
    )  # fmt: skip
    assert found.stages == (("blocks.0", "blocks.1"), ("blocks.2", "blocks.3"))
    assert [group.name for group in found.neurons] == [f"blocks.{i}.first.0" for i in range(4)]
    assert found.head == "head"


def test_what_runs_more_than_once_is_no_unit() -> None:
    units = dissect_network(randomised(CASES["looped"].make()), PROOF, "head").units
    assert units == ("stem.0", "stem.1", "head")


def test_heads_stand_between_the_neurons_each_in_its_block() -> None:
    model, sample = words.bert(), Batch({"input_ids": words.texts(2)})
    found = dissect_network(
        model, sample, "cls.predictions.decoder", configured_model(model), later=True
    )
    blocks = [group.block for group in found.neurons if group.unit == "head"]
    assert blocks == ["bert.encoder.layer.0", "bert.encoder.layer.1"]
    assert all(group.sizes for group in found.neurons if group.unit == "head")
    kinds = [group.unit for group in found.neurons if group.block in blocks]
    assert kinds == ["head", "channel", "head", "channel"]


def test_a_network_convolves_by_the_convolutions_inside_its_blocks() -> None:
    convolutional = randomised(Net(p.Basic(), p.Basic()))
    stages = (("blocks.0", "blocks.1"),)
    assert convolves(convolutional, stages, PROOF)
    assert convolves(convolutional, (), PROOF)  # without blocks, by all of them
    image = Batch(torch.randn(2, 1, 8, 8))
    vit = words.vit()
    layers = tuple(name for name, part in vit.named_modules() if type(part).__name__ == "ViTLayer")
    assert len(layers) == 2
    assert not convolves(vit, (layers,), image)
    assert not convolves(vit, (), image)  # its one convolution makes the patches


def test_a_language_model_does_not_convolve_whatever_it_is_made_of() -> None:
    model = nn.Sequential(nn.Embedding(9, 8), nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 3))
    assert convolves(model, (), PROOF)
    assert not convolves(model, (), Batch({"input_ids": words.texts(2)}))


class Attention(nn.Module):
    """One's own attention of four heads, its products written out or fused."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.query, self.key, self.value, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            part(x).unflatten(-1, (4, 4)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        if self.fused:
            mixed = functional.scaled_dot_product_attention(query, key, value)
        else:
            mixed = (query @ key.transpose(-1, -2) / 2).softmax(-1) @ value
        return x + self.out(mixed.transpose(1, 2).flatten(2))


def test_fused_attention_is_traced_as_one_that_is_written_out() -> None:
    found = []
    for fused in (False, True):
        model = randomised(
            nn.Sequential(nn.Linear(8, 16), Attention(fused), Attention(fused), nn.Linear(16, 3))
        )
        found.append(dissect_network(model, Batch(torch.randn(2, 5, 8)), "3"))
    assert found[0] == found[1]
    assert [layer.name for layer in found[0].layers] == ["1", "2"]
    assert "residual stream" in found[0].refused["1.out"]
