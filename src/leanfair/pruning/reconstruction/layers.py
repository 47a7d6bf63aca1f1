"""Least-squares reconstruction of removed layers: what comes before them learns to add what they
added.

What a run of removed layers added to the residual stream is predicted, by ridge regression over the
calibration data, from the inputs of the last dense module or convolution before it, and the
prediction is merged into that module's weight. This takes one forward pass and neither labels nor
gradients, and the network keeps its shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.models.streamed import keep, resident
from leanfair.pruning.reconstruction.batch_norms import norms_behind, settle, spread
from leanfair.pruning.reconstruction.least_squares import (
    Moments,
    as_weight,
    read_rows,
    regression,
    ridge_of,
    row_weights,
    said_rows,
)
from leanfair.pruning.reconstruction.writers import Gap, Writer, around, turned_back, writer_before
from leanfair.pruning.surgery.narrowing import keys_left
from leanfair.pruning.types import Cut

NOT_MADE_UP = (
    "Nothing made up for some of the layers that were tried: least squares need a linear layer or "
    "convolution before them whose outputs are added to the residual stream, each times a constant "
    "at most."
)


_REACHED = 0.1
"""Outputs that are scaled by less than this share of the median make up for nothing: their weights
would have to grow out of all proportion."""


def reconstruct_layers(
    child: nn.Module,
    parent: nn.Module,
    cut: Cut,
    batches: Sequence[Batch],
) -> tuple[str, ...]:
    """Adapt, in place, those modules of `child` that write to the residual stream right before the
    layers that `cut` removed from `parent`; returns the names of the layers that nothing makes up
    for.

    Let x be the inputs of such a module and y what the removed layers added to the stream. B and c
    minimise E w|y - B x - c|² + ridge |B|², with w one over the squared norm of the stream behind
    the layers, and w = 1 for a convolution; the weight becomes W + G⁻¹ B and the bias b + G⁻¹ c,
    with G what scales its outputs before they are added, as batch normalisation does (which gets
    the statistics of the new ones, `settle`). Without a bias c is 0. That a linear map, merged into
    the weights before them, stands in for removed blocks is from ReplaceMe (arXiv 2505.02819),
    where it is a map of the module's outputs. A ReLU may follow the sum, as in a ResNet: y is then
    what it lets through. Nothing makes up for the first layer of a transformer, nor for one behind
    a block whose outputs a normalisation scales from token to token.
    """
    lost: list[str] = []
    for gap in _gaps(cut, parent):
        writer = writer_before(parent, gap, cut, batches[0])
        if writer is None:
            lost += gap.layers
            continue
        moments = _measured(parent, gap, writer, batches)
        now = _renamed(writer.name, cut, parent)
        with resident(child, now) as module:
            norm = norms_behind(child, [now], batches[0][:1]).get(now)
            _adapt(module, norm and child.get_submodule(norm), writer.gains, moments)
            keep(child, now, module)
    return tuple(lost)


def _gaps(cut: Cut, parent: nn.Module) -> Iterator[Gap]:
    """The removed layers in runs, container by container."""
    names = {layer.name for layer in cut.layers}
    for container in dict.fromkeys(layer.container for layer in cut.layers):
        start = f"{container}." if container else ""
        before, run = None, list[str]()
        for name in (start + key for key in parent.get_submodule(container)._modules):
            if name in names:
                run.append(name)
                continue
            if run:
                yield Gap(tuple(run), before)
            before, run = name, []
        if run:
            yield Gap(tuple(run), before)


def _renamed(name: str, cut: Cut, parent: nn.Module) -> str:
    """What the module `name`, in none of the removed layers, is called without them."""
    for container in {layer.container for layer in cut.layers}:
        start = f"{container}." if container else ""
        gone = {
            layer.name.removeprefix(start) for layer in cut.layers if layer.container == container
        }
        left = keys_left(parent.get_submodule(container)._modules, gone)
        key, dot, rest = name.removeprefix(start).partition(".")
        if name.startswith(start) and key in left:
            return f"{start}{left[key]}{dot}{rest}"
    return name


def _measured(model: nn.Module, gap: Gap, writer: Writer, batches: Sequence[Batch]) -> Moments:
    """The moments of the rows that the writer of a gap reads, with what the layers added beside
    them, [rows, d + e], over all batches, without padding."""
    moments, module = Moments(), model.get_submodule(writer.name)
    for batch in batches:
        seen = around(model, gap, writer.name, batch)
        before, after = (
            said_rows(module, turned_back(seen[name], writer.turned), batch).float()
            for name in ("before", "after")
        )
        x = read_rows(module, seen["x"], batch).float()
        moments.add(torch.cat([x, after - before], dim=1), row_weights(module, after))
    return moments


def _adapt(module: nn.Module, norm: Any, gains: Tensor, moments: Moments) -> None:
    """Merge the prediction of what the layers added into `module`, which writes before them, and
    whose outputs the batch normalisation `norm` reads, if there is one."""
    if not moments.total:
        return
    bias: Any = getattr(module, "bias", None)
    numbers = torch.arange(len(moments.first), device=gains.device)
    sought = numbers >= len(numbers) - len(gains)
    before = spread(module, moments, ~sought) if norm is not None else None
    fit, shift = regression(moments, sought, ridge_of(module), centred=bias is not None)
    sizes = gains.abs()
    reached = sizes > _REACHED * sizes[sizes > 0].median()
    back = torch.where(reached, 1 / gains, 0.0).double()
    with torch.no_grad():  # new tensors, for the old ones may be the parent's, too
        weight: Any = module.weight
        more = as_weight(module, back[:, None] * fit.T)
        module.weight = nn.Parameter((weight + more).to(weight.dtype), weight.requires_grad)
        if bias is not None:
            module.bias = nn.Parameter(bias + (back * shift).to(bias.dtype), bias.requires_grad)
    if before is not None:
        settle(norm, before, spread(module, moments, ~sought))
