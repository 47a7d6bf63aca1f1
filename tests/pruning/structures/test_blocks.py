"""Blocks: what can be removed whole, in which stages, and by what it is told."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.structures.dissect import anatomy_of, dissect
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut
from tests.support import parts as p
from tests.support.parts import conv
from tests.support.zoo import (
    CASES,
    PROOF,
    Listed,
    Net,
    one_by_one,
    randomised,
    repeated,
)  # fmt: skip


def names(model: nn.Module) -> list[str]:
    return [layer.name for layer in anatomy_of(randomised(model), PROOF).layers]


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_identity_blocks_of_a_cifar_resnet_can_go(shortcut: str) -> None:
    model = randomised(CifarResNet(20, shortcut=shortcut))  # type: ignore[arg-type]
    anatomy = dissect(model, Batch(torch.randn(4, 3, 16, 16)))
    assert [layer.name for layer in anatomy.layers] == [
        "layer1.0", "layer1.1", "layer1.2", "layer2.1", "layer2.2", "layer3.1", "layer3.2"
    ]  # fmt: skip
    assert anatomy.layers[0].exits == ("layer1.0.bn2",)
    assert [len(stage) for stage in anatomy.stages] == [3, 3, 3]
    assert [group.name for group in anatomy.neurons] == [
        f"layer{i}.{j}.conv1" for i in (1, 2, 3) for j in range(3)
    ]
    assert anatomy.head == "linear"


def test_a_stage_is_a_run_of_blocks_of_one_shape_in_a_flat_list() -> None:
    anatomy = anatomy_of(randomised(CASES["inverted"].make()), PROOF)
    assert anatomy.stages == (("blocks.0", "blocks.1"), ("blocks.2", "blocks.3", "blocks.4"))


def test_a_batch_norm_is_no_block_though_its_shape_stays() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(x)

    untrained = Net(p.Basic(), p.Basic(), Normed(), Normed()).eval()  # it changes next to nothing
    assert [layer.name for layer in anatomy_of(untrained, PROOF).layers] == ["blocks.0", "blocks.1"]


def test_a_block_is_found_though_its_last_norm_is_still_zero() -> None:
    model = Net(*repeated(p.Basic)).eval()
    for block in model.blocks:
        nn.init.zeros_(block.last[1].weight)
    layers = dissect(model, PROOF).layers
    assert [layer.name for layer in layers] == ["blocks.0", "blocks.1", "blocks.2"]
    assert all(layer.exits == (f"{layer.name}.last.1",) for layer in layers)


def test_the_first_block_after_a_linear_stem_changes_its_input() -> None:
    anatomy = anatomy_of(randomised(CASES["linear stem"].make()), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.1", "blocks.2"]
    assert anatomy.stages == (("blocks.0", "blocks.1", "blocks.2"),)


def test_exits_are_as_few_as_it_takes() -> None:
    gated = anatomy_of(randomised(CASES["gated at the end"].make()), PROOF).layers[0]
    assert gated.exits == ("blocks.0.branch.2.1",)  # the gate need not be zero, too
    transformer = anatomy_of(randomised(CASES["attention"].make()), PROOF).layers[0]
    assert transformer.exits == ("blocks.0.attention", "blocks.0.mlp.2")


def test_blocks_with_several_arguments_and_outputs_can_go() -> None:
    class Wordy(p.Basic):
        def forward(self, hidden: Tensor, *, extra: Tensor, flag: bool) -> tuple[Tensor, None]:  # type: ignore[override]
            return super().forward(hidden), None

    def run(blocks: nn.ModuleList, x: Tensor) -> Tensor:
        for block in blocks:
            x, _ = block(hidden=x, extra=x * 2, flag=True)
        return x

    assert len(names(Listed(nn.ModuleList(repeated(Wordy)), run))) == 3


def test_a_block_that_the_network_calls_by_number_is_refused_before_it_is_tried() -> None:
    anatomy = anatomy_of(randomised(CASES["by number"].make()), PROOF)
    assert not anatomy.layers
    for i in range(3):
        assert "by name or by number" in anatomy.refused[f"blocks.{i}"]


def test_only_blocks_before_a_numbered_skip_are_refused() -> None:
    anatomy = anatomy_of(randomised(CASES["with a skip"].make()), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.2", "blocks.3"]


def test_blocks_called_by_attribute_keep_their_neurons() -> None:
    anatomy = anatomy_of(randomised(CASES["by name"].make()), PROOF)
    assert not anatomy.layers
    assert [len(stage) for stage in anatomy.stages] == [2, 2]
    assert [g.block for g in anatomy.neurons] == ["layer1_0", "layer1_1", "layer2_0", "layer2_1"]


def test_a_shared_block_is_refused() -> None:
    block = p.Basic()
    anatomy = anatomy_of(randomised(Net(block, block, p.Basic(), p.Basic())), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.2", "blocks.3"]
    assert "more than once" in anatomy.refused["blocks.0"]


def test_blocks_that_share_a_weight_are_refused() -> None:
    model = Net(*repeated(p.Basic))
    model.blocks[1].first[0].weight = model.blocks[0].first[0].weight
    anatomy = anatomy_of(randomised(model), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.2"]
    assert [group.name for group in anatomy.neurons] == ["blocks.2.first.0"]
    assert "shares" in anatomy.refused["blocks.0"]


def test_the_inner_blocks_are_taken_of_blocks_in_blocks() -> None:
    def pair() -> nn.Module:
        return nn.Sequential(p.Basic(), p.Basic())

    assert names(Net(pair(), pair())) == ["blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.1.1"]


def test_the_whole_block_is_taken_where_its_halves_cannot_go() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.space, self.depth = p.Branch(conv(8, 8)), p.Branch(conv(8, 6), conv(6, 8))

        def forward(self, x: Tensor) -> Tensor:
            return self.depth(self.space(x))

    anatomy = anatomy_of(randomised(Net(*repeated(Halves))), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.0", "blocks.1", "blocks.2"]
    assert anatomy.layers[0].exits == ("blocks.0.space.branch.0.1", "blocks.0.depth.branch.1.1")


def test_a_last_block_of_a_stage_is_still_known_as_one() -> None:
    model = randomised(CASES["stages"].make())
    anatomy = anatomy_of(model, PROOF)
    cut = Cut(
        "layer", layers=tuple(x for x in anatomy.layers if x.name in ("blocks.1", "blocks.3"))
    )
    again = anatomy_of(apply(cut, model, PROOF), PROOF)
    assert again.stages == (("blocks.0",), ("blocks.1",))
    assert [group.block for group in again.neurons] == ["blocks.0", "blocks.1"]


def test_blocks_beside_the_logits_are_refused() -> None:
    class Beside(Net):
        def __init__(self) -> None:
            super().__init__(*repeated(p.Basic))
            self.other = nn.ModuleList(repeated(p.Basic))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return super().forward(x), one_by_one(self.other, F.relu(self.stem(x)))

    anatomy = anatomy_of(randomised(Beside()), PROOF)
    assert [layer.name for layer in anatomy.layers] == ["blocks.0", "blocks.1", "blocks.2"]
    assert "do not depend" in anatomy.refused["other.0"]


class Gated(nn.Module):
    """Squeeze and excite: its last convolution at zero halves the input, so it is not residual."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.shrink, self.grow = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.grow(self.shrink(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e-12])
def test_a_gate_is_no_layer_however_small_the_activations_are(scale: float) -> None:
    """Deep networks with random weights have activations that vanish, where a half is as small as
    the whole."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(conv(8, 8), Gated(), nn.ReLU()) for _ in range(2)]
    network = nn.Sequential(
        conv(3, 8), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4, bias=False)
    ).eval()
    with torch.no_grad():
        network[0][0].weight.mul_(scale)
    found = anatomy_of(network, Batch(torch.randn(4, 3, 8, 8)))
    assert found.layers == ()
    assert found.neurons
