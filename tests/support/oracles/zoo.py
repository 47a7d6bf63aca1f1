"""Tiny residual networks whose blocks are built in all the ways that trouble a pruner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from leanfair.data.batches import Batch
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.types import Anatomy, Layer, Member, Neurons

WIDTH, HIDDEN = 6, 8


def awake(model: nn.Module, seed: int = 0) -> nn.Module:
    """`model` in evaluation mode, its weights and statistics drawn anew, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            gain = (2.0 / parameter[0].numel()) ** 0.5
            parameter.copy_(noise.sign() * 0.2 + noise if parameter.ndim == 1 else gain * noise)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator) / 4)
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return model.eval()


def resnet(shortcut: str = "A", depth: int = 14, seed: int = 0, classes: int = 4) -> CifarResNet:
    model = CifarResNet(depth, classes, shortcut, channels=2)  # type: ignore[arg-type]
    awake(model, seed)
    with torch.no_grad():
        model.linear.weight /= 8.0  # so that no probability is all but 1
    return model


def images(n: int = 6, channels: int = 3, size: int = 8, seed: int = 1) -> Batch:
    return Batch(
        torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed))
    )


class Block(nn.Module):
    """Convolution, norm, relu, `between`, activation, convolution, norm; around it the identity."""

    def __init__(
        self,
        between: Callable[[], nn.Module] = nn.Identity,
        activation: Callable[[], nn.Module] = nn.ReLU,
        *,
        wide: int = HIDDEN,
        bias: bool = False,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        change: Callable[[nn.Module], nn.Module] = lambda module: module,
    ) -> None:
        super().__init__()
        self.first = change(nn.Conv2d(WIDTH, HIDDEN, 3, 1, 1, bias=bias))
        self.norm = norm(HIDDEN)
        self.between = between()
        self.activation = activation()
        self.second = change(nn.Conv2d(wide, WIDTH, 3, 1, 1, bias=bias))
        self.last = nn.BatchNorm2d(WIDTH)

    def inside(self, x: Tensor) -> Tensor:
        return self.activation(self.between(F.relu(self.norm(self.first(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.last(self.second(self.inside(x))))


class InPlace(Block):
    """Written as torchvision writes its blocks, with every operation in place that can be."""

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu_(self.norm(self.first(x)))
        out = self.last(self.second(out))
        out += x
        return F.relu_(out)


class TwoBranches(nn.Module):
    """Two convolutions side by side, concatenated, and normalised together."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(HIDDEN, 5, 1), nn.Conv2d(HIDDEN, 3, 3, 1, 1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(torch.cat([self.one(x), self.other(x)], dim=1))


class Gate(nn.Module):
    """Squeeze and excitation: channels are weighed by what all of them say together."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(HIDDEN, 4, 1), nn.Conv2d(4, HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3), keepdim=True))))
        return x * torch.sigmoid(weight)


class HiddenUse(Block):
    """Uses the channels behind the back of every module: the first four are halved."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        return torch.cat([y[:, :4] / 2, y[:, 4:]], dim=1)


class FunctionalUse(Block):
    """Uses a module's weight without calling the module."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        return y * self.first.weight.abs().mean(dim=(1, 2, 3))[:, None, None].flip(0)


class Loop(Block):
    """Applies the same convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Conv2d(HIDDEN, HIDDEN, 1)

    def inside(self, x: Tensor) -> Tensor:
        return self.again(F.relu(self.again(super().inside(x))))


class Net(nn.Module):
    """A stem, a stage of three blocks, a head."""

    def __init__(self, block: Callable[[], nn.Module], blocks: int = 3, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3, 1, 1)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.blocks = nn.Sequential(*[block() for _ in range(blocks)])
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        stem = F.relu(self.norm(self.stem(x)), inplace=True)
        logits: Tensor = self.head(self.blocks(stem).mean(dim=(2, 3)))
        return logits


def _depthwise(out: int = HIDDEN) -> nn.Module:
    return nn.Conv2d(HIDDEN, out, 3, 1, 1, groups=HIDDEN)


def _grouped(out: int = HIDDEN, groups: int = 4) -> nn.Module:
    return nn.Conv2d(HIDDEN, out, 3, 1, 1, groups=groups)


BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "plain": Block,
    "bias": lambda: Block(bias=True),
    "depthwise": lambda: Block(_depthwise),
    "grouped": lambda: Block(_grouped),
    "grouped, wider": lambda: Block(lambda: _grouped(2 * HIDDEN), wide=2 * HIDDEN),
    "grouped, norm, depthwise": lambda: Block(
        lambda: nn.Sequential(_grouped(), nn.BatchNorm2d(HIDDEN), _depthwise())
    ),
    "prelu": lambda: Block(activation=lambda: nn.PReLU(HIDDEN)),
    "instance norm": lambda: Block(norm=lambda n: nn.InstanceNorm2d(n, affine=True)),
    "norm without scale": lambda: Block(norm=lambda n: nn.BatchNorm2d(n, affine=False)),
    "gate": lambda: Block(Gate),
    "in place": InPlace,
    "dropout": lambda: Block(activation=lambda: nn.Dropout(0.5)),
    "subclasses": lambda: Block(lambda: OwnConvolution(HIDDEN, HIDDEN, 1), norm=OwnNorm),
    "two branches": lambda: Block(TwoBranches),
}
"""Blocks from which filters can be taken."""

REFUSED: dict[str, Callable[[], nn.Module]] = {
    "group norm": lambda: Block(norm=lambda n: nn.GroupNorm(4, n)),
    "weight norm": lambda: Block(change=parametrizations.weight_norm),
    "spectral norm": lambda: Block(change=parametrizations.spectral_norm),
}
"""Blocks from which none can be taken, though they can go whole."""


class OwnConvolution(nn.Conv2d):
    """A subclass of a module is one of its kind."""

    def forward(self, x: Tensor) -> Tensor:
        return 2.0 * super().forward(x)


class OwnNorm(nn.BatchNorm2d):
    """Another."""


def by_hand(block: str) -> Neurons:
    """The neurons of the first convolution of a plain `Block`, without asking any adapter."""
    return _group(block, "first", HIDDEN, ("norm", "both"), ("second", "in"))


def layer_by_hand(name: str) -> Layer:
    """A `Block` as a layer, without asking any adapter."""
    return Layer(name, name.rpartition(".")[0], (f"{name}.last",))


def anatomy(kind: str, blocks: int = 3) -> Anatomy:
    """What a `Net` of blocks of that kind is made of, without asking any adapter."""
    names = tuple(f"blocks.{i}" for i in range(blocks))
    groups = tuple(group for name in names for group in _groups(kind, name))
    return Anatomy(
        layers=tuple(layer_by_hand(name) for name in names),
        neurons=groups,
        stages=(names,),
        units=("stem", "norm", *names, "head"),
        head="head",
        refused={},
    )


def resnet_anatomy(model: CifarResNet) -> Anatomy:
    """What a `CifarResNet` is made of, without asking any adapter."""
    stages = tuple(
        tuple(f"{name}.{i}" for i in range(len(model.get_submodule(name))))
        for name in ("layer1", "layer2", "layer3")
    )
    names = [name for stage in stages for name in stage]
    residual = [n for n in names if isinstance(model.get_submodule(n).shortcut, nn.Identity)]
    return Anatomy(
        layers=tuple(Layer(n, n.partition(".")[0], (f"{n}.bn2",)) for n in residual),
        neurons=tuple(
            _group(n, "conv1", model.get_submodule(n).conv1.out_channels, *_INSIDE) for n in names
        ),
        stages=stages,
        units=("conv1", "bn1", *names, "linear"),
        head="linear",
        refused={},
    )


_INSIDE = (("bn1", "both"), ("conv2", "in"))


def _groups(kind: str, block: str) -> tuple[Neurons, ...]:
    norm, second = ("norm", "both"), ("second", "in")
    if kind in REFUSED:
        return ()
    if kind == "depthwise":
        return (_group(block, "first", HIDDEN, norm, ("between", "both"), second),)
    if kind.startswith("grouped"):
        made = 4 if kind == "grouped, wider" else 2
        inner = ("between.0", "between.1", "between.2") if "norm" in kind else ("between",)
        convolution = tuple((name, "both", 0, made) for name in inner)
        fed = ("norm", "both", 0, 2)
        return (_group(block, "first", 4, fed, *convolution, ("second", "in", 0, made), repeat=2),)
    if kind == "prelu":
        return (_group(block, "first", HIDDEN, norm, ("activation", "both"), second),)
    if kind == "gate":
        gate = (("between.squeeze", "in"), ("between.excite", "out"))
        return (
            _group(block, "first", HIDDEN, norm, *gate, second),
            _group(block, "between.squeeze", 4, ("between.excite", "in")),
        )
    if kind == "subclasses":
        return (
            _group(block, "first", HIDDEN, norm, ("between", "in")),
            _group(block, "between", HIDDEN, second),
        )
    if kind == "two branches":
        joined = ("between.norm", "both"), ("second", "in")
        return (
            _group(block, "first", HIDDEN, norm, ("between.one", "in"), ("between.other", "in")),
            _group(block, "between.one", 5, *joined),
            _group(block, "between.other", 3, *((*member, 5) for member in joined)),
        )
    return (by_hand(block),)


def _group(block: str, root: str, count: int, *members: Any, repeat: int = 1) -> Neurons:
    everything = [(root, "out", 0, repeat), *members]
    return Neurons(
        f"{block}.{root}",
        block,
        count,
        tuple(Member(f"{block}.{name}", *rest) for name, *rest in everything),
    )
