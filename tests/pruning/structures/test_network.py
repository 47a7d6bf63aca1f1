"""The structures of a network as a whole: each in its place, and in order of execution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
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


class _Dense(nn.Module):
    """Every layer reads all that came before it."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(6 + 4 * i, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1))
            for i in range(depth)
        )
        self.head = nn.Linear(6 + 4 * depth, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)
        logits: torch.Tensor = self.head(x.mean((2, 3)))
        return logits


DEEP: dict[str, Callable[[int], nn.Module]] = {
    "residual": lambda depth: Net(*[p.Basic() for _ in range(depth)]),
    "gated": lambda depth: Net(*[p.Inverted(8, 8, 1, gated=True) for _ in range(depth)]),
    "plain": lambda depth: Net(*[p.conv(8, 8) for _ in range(depth)]),
    "dense": _Dense,
}


def passes_of(model: nn.Module) -> float:
    """How often a module of a network runs while its structures are found, in the mean."""
    ran: list[str] = []
    leaves = [part for part in model.modules() if not any(True for _ in part.children())]
    for leaf in leaves:
        leaf.register_forward_hook(lambda module, args, output: ran.append(""))
    dissect_network(model, PROOF, "head")
    return len(ran) / len(leaves)


@pytest.mark.parametrize("name", sorted(DEEP))
def test_a_deeper_network_takes_no_more_passes(name: str) -> None:
    few, many = (passes_of(randomised(DEEP[name](depth))) for depth in (8, 24))
    assert many <= few + 1
    assert many <= 30
