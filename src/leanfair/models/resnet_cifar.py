"""The residual networks for 32x32 images of He et al. 2016 (arXiv 1512.03385, section 4.2).

Depth 6n + 2: three stages of n basic blocks, 16, 32 and 64 filters wide. Where a stage begins the
shortcut is parameter-free (option A: subsample, pad with zero channels) or a 1x1 projection (option
B). Parameter names are those of the widely shared weights: conv1, bn1, layer{1,2,3}.{i}, linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.errors import InputError

Shortcut = Literal["A", "B"]


class SubsampleAndPad(nn.Module):
    """Shortcut option A: every second pixel, and zero channels up to the new width."""

    def __init__(self, add: int) -> None:
        super().__init__()
        self.add = add

    def forward(self, x: Tensor) -> Tensor:
        before = self.add // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.add - before))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width_in: int, width: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width_in != width:
            if shortcut == "A":
                self.shortcut = SubsampleAndPad(width - width_in)
            else:
                projection = nn.Conv2d(width_in, width, 1, stride, bias=False)
                self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class CifarResNet(nn.Module):
    """A residual network over images [n, channels, height, width] -> logits [n, classes]."""

    def __init__(
        self, depth: int = 56, classes: int = 10, shortcut: Shortcut = "A", channels: int = 3
    ) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise InputError(f"A CIFAR ResNet has depth 6n + 2 (20, 32, 56, ...), not {depth}.")
        if shortcut not in ("A", "B"):
            raise InputError(f"The shortcut is 'A' or 'B', not {shortcut!r}.")
        self.settings = {
            "depth": depth, "classes": classes, "shortcut": shortcut, "channels": channels
        }  # fmt: skip
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, 1, shortcut)
        self.layer2 = self._stage(16, 32, blocks, 2, shortcut)
        self.layer3 = self._stage(32, 64, blocks, 2, shortcut)
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    @staticmethod
    def _stage(
        width_in: int, width: int, blocks: int, stride: int, shortcut: Shortcut
    ) -> nn.Sequential:
        first = BasicBlock(width_in, width, stride, shortcut)
        return nn.Sequential(
            first, *[BasicBlock(width, width, 1, shortcut) for _ in range(blocks - 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        logits: Tensor = self.linear(out.mean(dim=(2, 3)))
        return logits


def from_state_dict(state: Mapping[str, Tensor]) -> CifarResNet:
    """The network whose depth, shortcuts, classes and input channels `state` tells, with its
    weights. Raises InputError where the names are not those of a CIFAR ResNet."""
    names = {f"layer1.{i}.conv1.weight" for i in range(len(state))}
    blocks = len(names & set(state))
    if not blocks or "linear.weight" not in state or "conv1.weight" not in state:
        raise InputError(
            "These weights are not of a CIFAR ResNet (conv1, bn1, layer1.0.conv1, ..., linear)."
        )
    first, last = state["conv1.weight"].shape, state["linear.weight"].shape
    # Sizes are believed only where the weights that they are read off have them all: nothing is
    # made as large as a damaged file says.
    if (len(first), *first[2:]) != (4, 3, 3) or len(last) != 2 or last[1] != 64:
        raise InputError(
            f"These weights are not of a CIFAR ResNet: conv1.weight is {list(first)} and "
            f"linear.weight {list(last)}, which must be [16, channels, 3, 3] and [classes, 64]."
        )
    projection = "layer2.0.shortcut.0.weight" in state
    model = CifarResNet(
        depth=6 * blocks + 2,
        classes=int(last[0]),
        shortcut="B" if projection else "A",
        channels=int(first[1]),
    )
    try:
        model.load_state_dict(dict(state))
    except RuntimeError as error:
        raise InputError(f"These weights do not fit a ResNet-{6 * blocks + 2}: {error}") from error
    return model
