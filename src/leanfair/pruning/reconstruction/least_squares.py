"""Ridge regression over the rows that a module multiplies its weight with: what the reconstruction
of neurons and that of layers share.

A row is what one output is made of: the features of a token or sample for a dense module, the patch
under the kernel for a convolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from leanfair.data.batches import Batch
from leanfair.data.language import flattened
from leanfair.pruning.surgery.modules import dense_weight, is_dense

RIDGE = 1.0
"""Ridge penalty of dense modules relative to the mean of the diagonal, against overfitting to few
samples. Of 0.03 to 3 this was best for SmolLM2 with 1,024 calibration tokens, measured on other
text."""

RIDGE_OF_PATCHES = 0.03
"""That of convolutions, whose rows are many. For ResNet-20, of 0.01 to 1, 0.03 and less are alike,
and 0.1 and 1 worse, measured on other images."""

LITTLE = 0.1
"""Rows of which less is said than this share of the median count no more than one of which as much
is: what is near nothing, as attention of a text's first token, would decide alone."""

PLACES = 16
"""Patches of a sample that a convolution is fitted to, drawn once; with 64 no better."""


def reconstructible(module: nn.Module) -> bool:
    """Whether `module` is a dense module or a convolution (of one group, not transposed) whose
    weight is no function of others."""
    one = isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd)
    fits = (one and module.groups == 1) or is_dense(module)
    return fits and module._parameters.get("weight") is not None


def flat_weight(module: nn.Module) -> Tensor:
    """The weight of a dense module or convolution as [out, numbers of a row], detached."""
    weight: Any = module.weight
    return dense_weight(module) if is_dense(module) else weight.detach().flatten(1)


def as_weight(module: nn.Module, flat: Tensor) -> Tensor:
    """A `flat_weight` in the shape of the weight of `module`."""
    weight: Any = module.weight
    turned = flat.T if is_dense(module) and not isinstance(module, nn.Linear) else flat
    return turned.reshape(weight.shape)


def kernel_size(module: nn.Module) -> int:
    """How many numbers of a row belong to one input feature: 1 for a dense module."""
    return math.prod(module.kernel_size) if isinstance(module, _ConvNd) else 1


def ridge_of(module: nn.Module) -> float:
    """The ridge penalty relative to the mean of the diagonal."""
    return RIDGE if is_dense(module) else RIDGE_OF_PATCHES


def read_rows(module: nn.Module, x: Tensor, batch: Batch) -> Tensor:
    """The rows of an input of `module`, [rows, numbers]: without padding, and of the patches
    `PLACES` of each sample."""
    return _patches(module, x) if isinstance(module, _ConvNd) else rows_of(x, batch)


def said_rows(module: nn.Module, y: Tensor, batch: Batch) -> Tensor:
    """The rows of an output of `module`, or of something of its shape, that belong to its
    `read_rows`, [rows, features]."""
    if not isinstance(module, _ConvNd):
        return rows_of(y, batch)
    places = _places(math.prod(y.shape[2:]), y.device)
    return y.flatten(2)[:, :, places].transpose(1, 2).flatten(0, 1)


def rows_of(x: Tensor, batch: Batch) -> Tensor:
    """The rows of a dense module's input or output that belong to tokens, [rows, features]."""
    tokenwise = x.ndim == 3 and len(x) == len(batch)
    return flattened(batch, x) if tokenwise else x.flatten(0, -2)


def row_weights(module: nn.Module, said: Tensor) -> Tensor:
    """What each row of `module` counts, [rows], given what is `said` of it: alike for patches, of
    which none is hundreds of times as large as others, as tokens are."""
    return weights_of(said) if is_dense(module) else torch.ones(len(said), device=said.device)


def weights_of(said: Tensor) -> Tensor:
    """What each row counts, [rows]: one over the squared norm of what is `said` of it, [rows, d],
    but at most as much as a row with `LITTLE` of the median norm; all nothing where most is
    nothing."""
    squares = said.float().square().sum(dim=1)
    floor = LITTLE**2 * squares.median()
    return 1 / squares.clamp(min=floor) if floor > 0 else torch.zeros_like(squares)


def _patches(module: _ConvNd, x: Tensor) -> Tensor:
    """The patches of `x` [n, in, *size] under the kernel of `module` at `PLACES` of its outputs,
    [n places, in kernel]."""
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    x = F.pad(x, module._reversed_padding_repeated_twice, mode=mode)
    reach = [d * (k - 1) + 1 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    grid = [
        (size - far) // stride + 1
        for size, far, stride in zip(x.shape[2:], reach, module.stride, strict=True)
    ]
    where = torch.unravel_index(_places(math.prod(grid), x.device), grid)
    index: list[Any] = [slice(None), slice(None)]
    for dim, at in enumerate(where):
        steps = torch.arange(module.kernel_size[dim], device=x.device) * module.dilation[dim]
        shape = [len(at)] + [1] * len(grid)
        shape[1 + dim] = len(steps)
        index.append((at[:, None] * module.stride[dim] + steps).reshape(shape))
    found = x[tuple(index)]  # [n, in, places, *kernel]
    return found.transpose(1, 2).flatten(2).flatten(0, 1)


def _places(count: int, device: torch.device) -> Tensor:
    """At most `PLACES` of `count` places, the same ones each time."""
    drawn = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:PLACES]
    return drawn.sort().values.to(device)


@dataclass
class Moments:
    """Sums over rows, each with its weight: `total` of the weights, `first` [d] of the values,
    `second` [d, d] of products. While there are fewer rows than numbers in one, the `rows` and
    their weights are held instead of the products."""

    total: float = 0.0
    first: Any = 0.0
    second: Any = None
    rows: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def add(self, rows: Tensor, weights: Tensor) -> None:
        """Add `rows` [n, d] with their `weights` [n]."""
        rows = rows.float()
        self.total += float(weights.double().sum())
        self.first = self.first + weights.double() @ rows.double()
        self.rows.append((rows, weights))
        if self.second is None and sum(len(each) for each, _ in self.rows) < rows.shape[1]:
            return
        for each, counts in self.rows:
            weighed = each * counts.sqrt()[:, None]
            products = (weighed.T @ weighed).double()
            self.second = products if self.second is None else self.second + products
        self.rows.clear()

    def held(self) -> tuple[Tensor, Tensor]:
        """The rows that are held, [n, d], and their weights, [n], in float64."""
        rows, weights = zip(*self.rows, strict=True)
        return torch.cat(rows).double(), torch.cat(weights).double()


def regression(
    moments: Moments, sought: Tensor, ridge: float, *, centred: bool
) -> tuple[Tensor, Tensor]:
    """The matrix B transposed, [given, sought], and the shift c, [sought], that minimise
    E w|y - B x - c|² + ridge' |B|², in float64. y are the numbers of a row that are `sought`, a
    boolean of each, and x are the others; ridge' is `ridge` times the mean square of x. Without
    `centred` c is 0."""
    mean = moments.first / moments.total
    mean = mean if centred else torch.zeros_like(mean)
    if moments.second is None:  # the other form of the same, by the products of rows
        rows, weights = moments.held()
        z = (rows - mean) * (weights / moments.total).sqrt()[:, None]
        x, y = z[:, ~sought], z[:, sought]
        penalty = _penalty(ridge, x.square().sum(dim=0), mean[~sought])
        gram = x @ x.T
        gram.diagonal().add_(penalty)
        fit = x.T @ torch.linalg.solve(gram, y)
    else:
        products = moments.second / moments.total - mean[:, None] * mean
        kept = products[~sought][:, ~sought]
        penalty = _penalty(ridge, kept.diagonal(), mean[~sought])
        kept.diagonal().add_(penalty)
        fit = torch.linalg.solve(kept, products[~sought][:, sought])
    return fit, mean[sought] - mean[~sought] @ fit


def _penalty(ridge: float, squares: Tensor, mean: Tensor) -> Tensor:
    """`ridge` times the mean of `squares`, those of x about its `mean`, and more than rounding
    where x never changes."""
    return torch.maximum(ridge * squares.mean(), 1e-9 * mean.square().mean()).clamp(min=1e-30)
