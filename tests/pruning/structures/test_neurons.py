"""Neurons: through what they run, and what refuses them by name."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.types import Anatomy, Member, Neurons
from tests.support import parts as p
from tests.support.parts import conv
from tests.support.zoo import CASES, PROOF, Net, randomised, repeated


def of(name: str) -> Anatomy:
    return anatomy_of(randomised(CASES[name].make()), PROOF)


def group(anatomy: Anatomy, name: str) -> Neurons:
    return next(group for group in anatomy.neurons if group.name == name)


def test_filters_run_through_their_norm_to_the_next_convolution() -> None:
    assert group(of("basic"), "blocks.1.first.0").members == (
        Member("blocks.1.first.0", "out"),
        Member("blocks.1.first.1", "both"),
        Member("blocks.1.last.0", "in"),
    )


def test_a_gate_belongs_to_the_channels_that_it_multiplies() -> None:
    anatomy = of("inverted, gated")
    expanded = group(anatomy, "blocks.1.body.0.0")
    assert expanded.count == 12
    assert {(m.module, m.side) for m in expanded.members} == {
        ("blocks.1.body.0.0", "out"), ("blocks.1.body.0.1", "both"),
        ("blocks.1.body.2.0", "both"), ("blocks.1.body.2.1", "both"),
        ("blocks.1.body.4.reduce", "in"), ("blocks.1.body.4.expand", "out"),
        ("blocks.1.body.5.0", "in"),
    }  # fmt: skip
    assert group(anatomy, "blocks.1.body.4.reduce").count == 4


def test_a_network_of_gates_is_narrowed_though_it_runs_twice() -> None:
    anatomy = of("gated twice by one network")
    members = {member.module for member in group(anatomy, "blocks.0.branch.0.0").members}
    assert {"blocks.0.branch.2.both.0", "blocks.0.branch.2.both.2"} <= members
    assert group(anatomy, "blocks.0.branch.2.both.0").count == 4


def test_a_neuron_of_a_convolution_with_groups_is_a_whole_group() -> None:
    found = group(of("grouped"), "blocks.0.branch.0.0")
    assert found.count == 3
    assert Member("blocks.0.branch.2.0", "both", 0, 4) in found.members
    assert Member("blocks.0.branch.0.0", "out", 0, 4) in found.members


def test_groups_of_two_convolutions_fit_together() -> None:
    found = group(of("grouped twice"), "blocks.0.branch.0.0")
    assert found.count == 3
    assert Member("blocks.0.branch.1.0", "both", 0, 4) in found.members
    assert Member("blocks.0.branch.2.0", "both", 0, 2) in found.members


def test_halves_that_gate_each_other_go_together() -> None:
    found = group(of("halves that gate"), "blocks.0.branch.0.0")
    assert found.count == 6
    assert [m for m in found.members if m.side == "out"] == [
        Member("blocks.0.branch.0.0", "out", 0), Member("blocks.0.branch.0.0", "out", 6)
    ]  # fmt: skip


def test_channels_that_are_read_twice_go_from_both_places() -> None:
    found = group(of("ghost"), "blocks.0.branch.0.0")
    assert [m for m in found.members if m.side == "in"] == [
        Member("blocks.0.branch.2.0", "in", 0), Member("blocks.0.branch.2.0", "in", 6)
    ]  # fmt: skip


def test_flattened_pixels_belong_to_their_channel() -> None:
    plain = of("plain")
    assert Member("7", "in", 0, 4) in group(plain, "3.0").members
    assert [g.name for g in plain.neurons] == ["0.0", "3.0", "7"]


def test_concatenated_channels_are_found_at_their_offset() -> None:
    assert Member("joined.0.0", "in", 6) in group(of("u-net"), "down2.2.0").members
    dense = group(of("dense"), "layers.0.2")
    assert dense.members[-1] == Member("layers.0.5", "in")
    grown = group(of("dense"), "layers.0.5")
    assert Member("layers.2.2", "in", 6) in grown.members
    assert Member("head", "in", 6) in grown.members


@pytest.mark.parametrize("dimensions", [1, 3])
def test_convolutions_of_other_dimensions(dimensions: int) -> None:
    convolution = getattr(nn, f"Conv{dimensions}d")
    norm = getattr(nn, f"BatchNorm{dimensions}d")

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = convolution(8, 6, 3, padding=1), convolution(6, 8, 1)
            self.n, self.m = norm(6), getattr(nn, f"InstanceNorm{dimensions}d")(6, affine=True)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(torch.relu(self.m(self.n(self.a(x)))))

    from leanfair.data.batches import Batch

    model = Net(*repeated(Block), stem=convolution(3, 8, 1))
    anatomy = anatomy_of(randomised(model), Batch(torch.randn(4, 3, *[5] * dimensions)))
    assert (len(anatomy.layers), len(anatomy.neurons)) == (3, 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_networks_of_other_precision(dtype: torch.dtype) -> None:
    from leanfair.data.batches import Batch
    from tests.support.zoo import images

    model = randomised(CASES["inverted, gated"].make()).to(dtype)
    anatomy = anatomy_of(model, Batch(images().to(dtype)))
    assert (len(anatomy.layers), len(anatomy.neurons)) == CASES["inverted, gated"][1:]


@pytest.mark.parametrize(
    ("name", "module", "reason"),
    [
        ("group-norm", "blocks.0.branch.0", "GroupNorm mixes its channels"),
        ("shuffled", "blocks.0.branch.0.0", "in another order"),
        ("woven", "blocks.0.branch.0.0", "mixed"),
        ("balanced", "blocks.0.branch.0.0", "mixed"),
        ("split", "blocks.0.branch.0.0", "in part"),
        ("scaled", "blocks.0.branch.0.0", "Scale cannot be narrowed"),
        ("scaled inside", "blocks.0.a.0", "does not run"),
        ("fed back", "blocks.0.a.0", "that come into the block"),
        ("without blocks", "stem.0", "added to those of convs.1"),
        ("basic", "stem.0.0", "residual stream"),
        ("basic", "blocks.0.last.0", "leave the block"),
        ("u-net, transposed", "down2.2.0", "ConvTranspose2d cannot be narrowed"),
        ("auxiliary head", "auxiliary.0", "do not depend on it"),
        ("auxiliary head in training", "blocks.0.0", "does not train"),
    ],
)
def test_it_is_refused_by_name(name: str, module: str, reason: str) -> None:
    assert reason in of(name).refused[module]


def test_computed_weights_are_refused_by_name() -> None:
    model = Net(*repeated(p.Basic, 4))
    parametrizations.spectral_norm(model.blocks[1].first[0])
    parametrizations.weight_norm(model.blocks[2].last[0])
    nn.utils.spectral_norm(model.blocks[3].first[0])
    anatomy = anatomy_of(randomised(model), PROOF)
    assert [group.name for group in anatomy.neurons] == ["blocks.0.first.0"]
    assert "parametrization" in anatomy.refused["blocks.1.first.0"]
    assert "parametrization" in anatomy.refused["blocks.2.first.0"]
    assert "hook" in anatomy.refused["blocks.3.first.0"]
    assert len(anatomy.layers) == 4


def test_a_gate_for_the_whole_picture_is_no_part_of_the_channels() -> None:
    class Spotlight(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.light, self.b = conv(8, 12), nn.Conv2d(8, 1, 1), conv(12, 8)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(torch.relu(self.a(x)) * torch.sigmoid(self.light(x)))

    anatomy = anatomy_of(randomised(Net(*repeated(Spotlight))), PROOF)
    assert [g.name for g in anatomy.neurons] == [f"blocks.{i}.a.0" for i in range(3)]
    assert anatomy.refused["blocks.0.light"] == "one neuron is all it has"
