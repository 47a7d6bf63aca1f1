"""Small parts of networks, one for each way to build them: [n, 8, h, w] -> the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDE = 8
"""Channels of the residual stream."""


def conv(wide_in: int, wide: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch-norm."""
    return nn.Sequential(
        nn.Conv2d(wide_in, wide, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(wide),
    )


class Basic(nn.Module):
    """Two convolutions; one in-place ReLU module does both jobs; the addition is in place."""

    def __init__(self, wide_in: int = WIDE, wide: int = WIDE, stride: int = 1) -> None:
        super().__init__()
        self.first = conv(wide_in, wide, stride=stride)
        self.last = conv(wide, wide)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = conv(wide_in, wide, 1, stride) if (wide_in, stride) != (wide, 1) else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.last(self.relu(self.first(x)))
        out += x if self.shortcut is None else self.shortcut(x)
        return self.relu(out)


class PreActivation(nn.Module):
    """Norm and ReLU come before each convolution, and nothing after the addition."""

    def __init__(self) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(WIDE), nn.Conv2d(WIDE, 6, 3, padding=1)
        self.bn2, self.conv2 = nn.BatchNorm2d(6), nn.Conv2d(6, WIDE, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(F.relu(self.bn1(x)))
        return x + self.conv2(F.relu(self.bn2(out)))


class Branch(nn.Module):
    """A residual block around any branch."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class Squeeze(nn.Module):
    """Squeeze-and-excitation: a gate for every channel, from all of them."""

    def __init__(self, wide: int, gate: nn.Module) -> None:
        super().__init__()
        self.reduce, self.expand, self.gate = nn.Conv2d(wide, 4, 1), nn.Conv2d(4, wide, 1), gate

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True)))))


class TwiceSqueezed(nn.Module):
    """A gate from means and from maxima, by the same small network for both."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.both = nn.Sequential(nn.Conv2d(wide, 4, 1), nn.ReLU(), nn.Conv2d(4, wide, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean, most = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return x * torch.sigmoid(self.both(mean) + self.both(most))


class Inverted(nn.Module):
    """MobileNet: expand, one filter a channel, gate, project; the shortcut only where it fits."""

    def __init__(self, wide_in: int, wide: int, stride: int = 1, gated: bool = False) -> None:
        super().__init__()
        self.fits = wide_in == wide and stride == 1
        gate = Squeeze(12, nn.Hardsigmoid()) if gated else nn.Identity()
        self.body = nn.Sequential(
            conv(wide_in, 12, 1), nn.ReLU6(inplace=True),
            conv(12, 12, stride=stride, groups=12), nn.ReLU6(inplace=True), gate,
            conv(12, wide, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.fits else self.body(x)


class DropPath(nn.Module):
    """Stochastic depth."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (torch.rand(len(x), 1, 1, 1) > 0.5) if self.training else x


class ConvNeXt(nn.Module):
    """Layer-norm over channels, an MLP over channels last, a bare scale, stochastic depth."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(WIDE, WIDE, 3, padding=1, groups=WIDE)
        self.norm = nn.LayerNorm(WIDE)
        self.up, self.down = nn.Linear(WIDE, 16), nn.Linear(16, WIDE)
        self.gamma = nn.Parameter(torch.full((WIDE,), 0.5))
        self.drop = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(self.spatial(x).permute(0, 2, 3, 1))
        out = self.gamma * self.down(F.gelu(self.up(out)))
        return x + self.drop(out.permute(0, 3, 1, 2))


class Attention(nn.Module):
    """A transformer layer over pixels, norm first."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDE), nn.LayerNorm(WIDE)
        self.attention = nn.MultiheadAttention(WIDE, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDE, 12), nn.GELU(), nn.Linear(12, WIDE))

    def forward(self, image: Tensor) -> Tensor:
        x = image.flatten(2).transpose(1, 2)
        y = self.norm1(x)
        x = x + self.attention(y, y, y)[0]
        x = x + self.mlp(self.norm2(x))
        return x.transpose(1, 2).unflatten(2, image.shape[2:])


class Gate(nn.Module):
    """Half of the channels times the other half."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return a * torch.sigmoid(b)


class Ghost(nn.Module):
    """The channels, and beside them one more made from each."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.cheap = conv(wide, wide, groups=wide)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.cheap(x)), dim=1)


class Parallel(nn.Module):
    """Two branches added, then read."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = conv(WIDE, 12), conv(WIDE, 12, 1), conv(12, WIDE)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.c(F.relu(self.a(x) + self.b(x))))


class Shuffle(nn.Module):
    """Channels change places."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


class Weave(nn.Module):
    """Each channel gets something of its neighbour."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.roll(1, dims=1)


class Balance(nn.Module):
    """Each channel is divided by what all of them are."""

    def forward(self, x: Tensor) -> Tensor:
        return x / (1 + x.abs().mean((1, 2, 3), keepdim=True))


class Split(nn.Module):
    """The channels are taken apart where a number says."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = conv(4, 4), conv(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.left(x[:, :4]), self.right(x[:, 4:])), dim=1)


class Scale(nn.Module):
    """A bare parameter for every channel."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(wide, 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Affine(nn.Module):
    """One scale and one shift for all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(1)), nn.Parameter(torch.full((1,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class ScaledInside(nn.Module):
    """The bare parameter belongs to the block itself."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(WIDE, 12), conv(12, WIDE)
        self.scale = nn.Parameter(torch.rand(12, 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(x) * self.scale))


class FedBack(nn.Module):
    """What is hidden is added to the block's input before it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(WIDE, WIDE), conv(WIDE, WIDE)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(x) + x))


class Curved(Basic):
    """What follows the addition changes everything, so the block never passes its input on."""

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(super().forward(x))


def around(*parts: nn.Module) -> Callable[[], nn.Module]:
    """A function that makes such a block anew."""
    import copy

    return lambda: copy.deepcopy(Branch(*parts))
