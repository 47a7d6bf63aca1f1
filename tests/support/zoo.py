"""Tiny networks made of `parts`: [n, 3, 8, 8] -> logits [n, 5]."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from leanfair.data.batches import Batch
from tests.support import parts as p
from tests.support.parts import WIDE, conv


class Net(nn.Module):
    """A stem, a body of blocks in a Sequential, pooling and a head."""

    def __init__(self, *blocks: nn.Module, wide: int = WIDE, stem: nn.Module | None = None) -> None:
        super().__init__()
        self.stem = stem or nn.Sequential(conv(3, WIDE), nn.ReLU())
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(wide, 5)

    def features(self, x: Tensor) -> Tensor:
        return self.blocks(self.stem(x)).flatten(2).mean(2)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.features(x))


class Listed(nn.Module):
    """Blocks in any container, run by any function (blocks, x) -> x."""

    def __init__(self, blocks: nn.Module, run: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, WIDE), nn.ReLU())
        self.blocks = blocks
        self.head = nn.Linear(WIDE, 5)
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.run(self.blocks, self.stem(x)).flatten(2).mean(2))


class Children(nn.Module):
    """A container that runs whatever was hung into it."""

    def __init__(self, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        for i, block in enumerate(blocks):
            self.add_module(f"unit{i}", block)

    def forward(self, x: Tensor) -> Tensor:
        return one_by_one(self.children(), x)


class Attributes(nn.Module):
    """Blocks that the network calls by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, WIDE), nn.ReLU())
        self.layer1_0, self.layer1_1 = p.Basic(), p.Basic()
        self.layer2_0, self.layer2_1 = p.Basic(8, 12, 2), p.Basic(12, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1_1(self.layer1_0(self.stem(x)))
        return self.head(self.layer2_1(self.layer2_0(x)).mean((2, 3)))


class Bare(nn.Module):
    """Residual, but without blocks: all in one forward."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(WIDE, WIDE, 3, padding=1) for _ in range(6)])
        self.stem, self.head = conv(3, WIDE), nn.Linear(WIDE, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(0, 6, 2):
            x = x + self.convs[i + 1](F.relu(self.convs[i](x)))
        return self.head(x.mean((2, 3)))


class Dense(nn.Module):
    """Every layer reads all that came before it; the last ReLU is in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 6)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, 8, 1),
                nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1),
            )
            for wide in (6, 10, 14)
        )  # fmt: skip
        self.norm, self.head = nn.BatchNorm2d(18), nn.Linear(18, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)
        return self.head(F.relu(self.norm(x), inplace=True).mean((2, 3)))


class UNet(nn.Module):
    """Down, up again, and across by concatenation; pooled to logits."""

    def __init__(self, up: nn.Module, wide: int) -> None:
        super().__init__()
        self.down1 = nn.Sequential(conv(3, 6), nn.ReLU(), conv(6, 6), nn.ReLU())
        self.down2 = nn.Sequential(conv(6, 8), nn.ReLU(), conv(8, 8), nn.ReLU())
        self.up = up
        self.joined = nn.Sequential(conv(6 + wide, 6), nn.ReLU())
        self.out = nn.Conv2d(6, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.down1(x)
        low = self.up(self.down2(F.max_pool2d(high, 2)))
        return self.out(self.joined(torch.cat((high, low), dim=1))).mean((2, 3))


class Auxiliary(Net):
    """A second head on hidden channels, which is run `when` ("always", "training")."""

    def __init__(self, when: str) -> None:
        super().__init__(conv(WIDE, 10), nn.ReLU(), conv(10, WIDE), nn.ReLU())
        self.auxiliary = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 5))
        self.when = when

    def forward(self, x: Tensor) -> Any:
        hidden = self.blocks[:2](self.stem(x))
        logits = self.head(self.blocks[2:](hidden).mean((2, 3)))
        if self.when == "always" or self.training:
            return logits, self.auxiliary(hidden.mean((2, 3)))
        return logits


class Looped(nn.Module):
    """One block, run three times."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.head = conv(3, WIDE), p.Basic(), nn.Linear(WIDE, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for _ in range(3):
            x = self.block(x)
        return self.head(x.mean((2, 3)))


def one_by_one(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Every block, whatever they are held in."""
    for block in blocks:
        x = block(x)
    return x


def by_number(blocks: Any, x: Tensor) -> Tensor:
    """Three blocks, each by its number."""
    return blocks[2](blocks[1](blocks[0](x)))


def with_skip(blocks: Any, x: Tensor) -> Tensor:
    """What comes out of the block number 1 is needed again."""
    kept = x
    for i, block in enumerate(blocks):
        x = block(x)
        kept = x if i == 1 else kept
    return F.relu(x + kept)


def repeated(make: Callable[[], nn.Module], times: int = 3) -> list[nn.Module]:
    """Some blocks of one kind."""
    return [make() for _ in range(times)]


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """`model` with batch statistics and scales as after training: none is zero or one."""
    generator = torch.Generator().manual_seed(seed)

    def fill(tensor: Tensor | None, low: float, high: float) -> None:
        if tensor is not None:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (_BatchNorm, nn.LayerNorm, nn.GroupNorm)):
                fill(module.weight, 0.5, 1.5)
                fill(module.bias, -0.5, 0.5)
            if isinstance(module, _BatchNorm):
                fill(module.running_mean, -0.5, 0.5)
                fill(module.running_var, 0.5, 1.5)
    return model.eval()


def images(count: int = 4, *shape: int) -> Tensor:
    """Inputs, the same each time."""
    return torch.randn(count, *(shape or (3, 8, 8)), generator=torch.Generator().manual_seed(7))


PROOF = Batch(images())


class Case(NamedTuple):
    """A network, and how many layers and groups of neurons it has."""

    make: Callable[[], nn.Module]
    layers: int
    groups: int


def _net(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: Net(*repeated(make))


def _normed(norm: nn.Module) -> Callable[[], nn.Module]:
    return _net(p.around(nn.Conv2d(8, 6, 3, padding=1), norm, nn.ReLU(), nn.Conv2d(6, 8, 1)))


def _inverted(gated: bool) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        sizes = [(8, 6, 1), (6, 6, 1), (6, 10, 2), (10, 10, 1), (10, 10, 1)]
        return Net(*[p.Inverted(*size, gated=gated) for size in sizes], wide=10)

    return make


def _plain() -> nn.Module:
    return nn.Sequential(
        conv(3, 6), nn.ReLU(), nn.MaxPool2d(2), conv(6, 8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32, 10), nn.ReLU(), nn.Dropout(), nn.Linear(10, 5),
    )  # fmt: skip


CASES: dict[str, Case] = {
    "basic": Case(_net(p.Basic), 3, 3),
    "stages": Case(
        lambda: Net(p.Basic(), p.Basic(), p.Basic(8, 12, 2), p.Basic(12, 12), wide=12), 3, 4
    ),
    "linear stem": Case(lambda: Net(*repeated(p.Basic), stem=conv(3, WIDE)), 2, 3),
    "pre-activation": Case(_net(p.PreActivation), 3, 3),
    "grouped": Case(
        _net(p.around(conv(8, 12, 1), nn.ReLU(), conv(12, 12, groups=3), nn.ReLU(), conv(12, 8))),
        3, 3,
    ),
    "grouped twice": Case(
        _net(p.around(conv(8, 12), conv(12, 12, groups=6), conv(12, 6, groups=3), conv(6, 8))), 3, 3
    ),
    "several filters a channel": Case(
        _net(p.around(conv(8, 6), conv(6, 12, groups=6), conv(12, 8))), 3, 3
    ),
    "inverted": Case(_inverted(False), 3, 6),
    "inverted, gated": Case(_inverted(True), 3, 11),
    "gated, without shortcuts": Case(
        lambda: Net(p.Inverted(8, 6, 1, True), p.Inverted(6, 10, 2, True), wide=10), 0, 7
    ),
    "gated at the end": Case(
        _net(p.around(conv(8, 6), nn.ReLU(), conv(6, 8), p.Squeeze(8, nn.Sigmoid()))), 3, 6
    ),
    "gated twice by one network": Case(
        _net(p.around(conv(8, 12), nn.ReLU(), p.TwiceSqueezed(12), conv(12, 8))), 3, 6
    ),
    "convnext": Case(_net(p.ConvNeXt), 3, 3),
    "attention": Case(_net(p.Attention), 3, 3),
    "halves that gate": Case(_net(p.around(conv(8, 12), p.Gate(), conv(6, 8))), 3, 3),
    "ghost": Case(_net(p.around(conv(8, 6), p.Ghost(6), conv(12, 8))), 3, 3),
    "parallel": Case(_net(p.Parallel), 3, 3),
    "pixels from channels": Case(
        _net(p.around(conv(8, 12, stride=2), nn.PixelShuffle(2), conv(3, 8))), 3, 3
    ),
    "channels from pixels": Case(
        _net(p.around(conv(8, 3), nn.PixelUnshuffle(2), conv(12, 8), nn.Upsample(scale_factor=2))),
        3, 3,
    ),
    "instance-norm": Case(_normed(nn.InstanceNorm2d(6, affine=True)), 3, 3),
    "bare batch-norm": Case(_normed(nn.BatchNorm2d(6, affine=False)), 3, 3),
    "prelu": Case(_normed(nn.PReLU(6)), 3, 3),
    "prelu, one for all": Case(_normed(nn.PReLU()), 3, 3),
    "group-norm": Case(_normed(nn.GroupNorm(2, 6)), 3, 0),
    "response norm": Case(_normed(nn.LocalResponseNorm(3)), 3, 0),
    "shuffled": Case(_net(p.around(conv(8, 12), p.Shuffle(), conv(12, 8))), 3, 0),
    "woven": Case(_net(p.around(conv(8, 12), p.Weave(), conv(12, 8))), 3, 0),
    "balanced": Case(_net(p.around(conv(8, 12), p.Balance(), conv(12, 8))), 3, 0),
    "split": Case(_net(p.around(conv(8, 12), p.Split(), conv(12, 8))), 3, 6),
    "scaled": Case(_net(p.around(conv(8, 12), p.Scale(12), conv(12, 8))), 3, 0),
    "scaled by one value": Case(
        _net(p.around(conv(8, 12), p.Affine(), nn.ReLU(), conv(12, 8), p.Affine())), 3, 3
    ),
    "scaled inside": Case(_net(p.ScaledInside), 3, 0),
    "fed back": Case(_net(p.FedBack), 3, 0),
    "curved": Case(_net(p.Curved), 0, 3),
    "in a ModuleList": Case(
        lambda: Listed(nn.ModuleList(repeated(p.Basic)), one_by_one), 3, 3
    ),
    "in a ModuleDict": Case(
        lambda: Listed(
            nn.ModuleDict({f"unit-{i}": b for i, b in enumerate(repeated(p.Basic))}),
            lambda blocks, x: one_by_one(blocks.values(), x),
        ),
        3, 3,
    ),
    "in slices": Case(
        lambda: Listed(nn.Sequential(*repeated(p.Basic)), lambda b, x: b[2:](b[:2](x))), 3, 3
    ),
    "as children": Case(lambda: Listed(Children(repeated(p.Basic)), lambda b, x: b(x)), 3, 3),
    "by number": Case(lambda: Listed(nn.ModuleList(repeated(p.Basic)), by_number), 0, 3),
    "with a skip": Case(lambda: Listed(nn.ModuleList(repeated(p.Basic, 4)), with_skip), 2, 4),
    "by name": Case(Attributes, 0, 4),
    "without blocks": Case(Bare, 0, 3),
    "looped": Case(Looped, 0, 1),
    "plain": Case(_plain, 0, 3),
    "dense": Case(Dense, 0, 7),
    "u-net": Case(lambda: UNet(nn.Upsample(scale_factor=2), 8), 0, 5),
    "u-net, transposed": Case(lambda: UNet(nn.ConvTranspose2d(8, 6, 2, 2), 6), 0, 4),
    "auxiliary head": Case(lambda: Auxiliary("always"), 0, 3),
    "auxiliary head in training": Case(lambda: Auxiliary("training"), 0, 2),
}  # fmt: skip
