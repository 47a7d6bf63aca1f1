"""Least-squares reconstruction of removed layers: the block before them learns to add what they
added.

What a run of removed layers added to the residual stream is predicted, by ridge regression over the
calibration data, from the inputs of the last dense module of the block before it, and the
prediction is merged into that module's weight. This takes one forward pass and neither labels nor
gradients, and the network keeps its shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.evaluation.mode import evaluating
from leanfair.models.streamed import keep, resident
from leanfair.pruning.surgery.activations import ArrivedError
from leanfair.pruning.surgery.modules import (
    dense_weight,
    first_output,
    first_tensor,
    is_dense,
    with_first_output,
)
from leanfair.pruning.surgery.narrowing import keys_left
from leanfair.pruning.training.reconstruction import RIDGE, rows_of, weights_of
from leanfair.pruning.types import Cut, Layer

NOT_MADE_UP = (
    "Nothing made up for some of the layers that were tried: least squares need a block before "
    "them whose last linear layer is added to the residual stream as it is."
)
_SAME = 1e-3
"""What was added to the output of a module arrives in the stream up to this share of its norm, or
twice the precision of the numbers, where it is added as it is."""


@dataclass(frozen=True)
class _Gap:
    """Removed layers (names, in order) that follow each other, and the dense module `writer` that
    wrote to the stream before them; None where there is none. `now` is its name without them."""

    layers: tuple[str, ...]
    writer: str | None
    now: str = ""


@dataclass
class _Moments:
    """Weighted sums over rows of the inputs x of a writer [d] and of what the layers added, y [e]:
    of the weights, of x, y, x xᵀ and x yᵀ."""

    total: float = 0.0
    x: Any = 0.0
    y: Any = 0.0
    xx: Any = 0.0
    xy: Any = 0.0

    def add(self, x: Tensor, before: Tensor, after: Tensor) -> None:
        x, after = x.float(), after.float()
        y, weights = after - before.float(), weights_of(after)
        weighed = (weights[:, None] * x).T
        self.total += float(weights.sum())
        self.x = self.x + (weights @ x).double()
        self.y = self.y + (weights @ y).double()
        self.xx = self.xx + (weighed @ x).double()
        self.xy = self.xy + (weighed @ y).double()


def reconstruct_layers(
    child: nn.Module,
    parent: nn.Module,
    cut: Cut,
    batches: Sequence[Batch],
) -> tuple[str, ...]:
    """Adapt, in place, those dense modules of `child` that write to the residual stream right
    before the layers that `cut` removed from `parent`; returns the names of the layers that nothing
    makes up for.

    Let x be the inputs of such a module and y what the removed layers added to the stream. B and c
    minimise E w|y - B x - c|² + ridge |B|², with w one over the squared norm of the stream behind
    the layers; the weight becomes W + B and the bias b + c. Without a bias c is 0. That a linear
    map, merged into the weights before them, stands in for removed blocks is from ReplaceMe (arXiv
    2505.02819), where it is a map of the module's outputs. Nothing makes up for the first layer of
    a network, nor for one behind a block whose last dense module does not add to the stream as it
    is, as where a normalisation comes between.
    """
    lost: list[str] = []
    for gap in _gaps(cut, parent):
        moments = _measured(parent, gap, batches)
        if gap.writer is None or moments is None:
            lost += gap.layers
            continue
        with resident(child, gap.now) as module:
            _adapt(module, moments)
            keep(child, gap.now, module)
    return tuple(lost)


def _gaps(cut: Cut, parent: nn.Module) -> Iterator[_Gap]:
    """The removed layers in runs, container by container."""
    for container in dict.fromkeys(layer.container for layer in cut.layers):
        inside = {layer.name: layer for layer in cut.layers if layer.container == container}
        start = f"{container}." if container else ""
        members = parent.get_submodule(container)._modules
        left = keys_left(members, {name.removeprefix(start) for name in inside})
        before, run = "", list[Layer]()
        for key in members:
            if start + key in inside:
                run.append(inside[start + key])
                continue
            if run:
                yield _gap(run, start, before, left, parent)
            before, run = key, []
        if run:
            yield _gap(run, start, before, left, parent)


def _gap(
    run: Sequence[Layer], start: str, before: str, left: Mapping[str, str], parent: nn.Module
) -> _Gap:
    """The gap that `run` leaves behind the member `before` of its container ("" where it begins
    with the run), whose members are called `start` and a key, and have those of `left` then."""
    names = tuple(layer.name for layer in run)
    for exit in reversed(run[0].exits) if before else ():
        own = exit.removeprefix(run[0].name)
        with suppress(AttributeError):  # another kind of block comes before
            if is_dense(parent.get_submodule(start + before + own)):
                return _Gap(names, start + before + own, start + left[before] + own)
    return _Gap(names, None)


def _measured(model: nn.Module, gap: _Gap, batches: Sequence[Batch]) -> _Moments | None:
    """The moments of a gap over all batches, without padding; None where what its writer writes is
    not added to the stream as it is."""
    if gap.writer is None or not _adds(model, gap, batches[0][:1]):
        return None
    moments = _Moments()
    for batch in batches:
        seen = _seen(model, gap, batch)
        moments.add(*(rows_of(seen[name], batch) for name in ("x", "before", "after")))
    return moments


def _adds(model: nn.Module, gap: _Gap, sample: Batch) -> bool:
    """Whether the stream before the gap gains just what is added to the output of the writer, place
    by place."""
    seen = _seen(model, gap, sample)
    if "x" not in seen:  # it does not run
        return False
    plain = seen["before"]
    size = plain.float().square().mean().sqrt()
    generator = torch.Generator().manual_seed(0)
    added: list[Tensor] = []

    def add(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        value = first_output(output)
        added.append((size.cpu() * torch.randn(value.shape, generator=generator)).to(value))
        return with_first_output(output, value + added[-1])

    moved = _seen(model, gap, sample, add)["before"]
    if len(added) != 1 or added[0].shape != plain.shape:
        return False
    more = added[0].float()
    wrong = (moved.float() - plain.float() - more).norm()
    return bool(size > 0 and wrong <= max(_SAME, 2 * torch.finfo(plain.dtype).eps) * more.norm())


def _seen(model: nn.Module, gap: _Gap, batch: Batch, change: Any = None) -> dict[str, Tensor]:
    """The inputs "x" of the writer, the stream "before" the gap and that "after" it, in a pass that
    ends there, in which `change` hooks the writer."""
    found: dict[str, Tensor] = {}

    def enters(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            found[name] = first_tensor(args, kwargs)[1].clone()  # blocks may add in place

        return hook

    def leaves(module: nn.Module, args: Any, output: Any) -> None:
        found["after"] = first_output(output)
        raise ArrivedError

    assert gap.writer is not None
    writer = model.get_submodule(gap.writer)
    first, last = (model.get_submodule(name) for name in (gap.layers[0], gap.layers[-1]))
    handles = [
        writer.register_forward_pre_hook(enters("x"), with_kwargs=True),
        first.register_forward_pre_hook(enters("before"), with_kwargs=True),
        last.register_forward_hook(leaves),
    ]
    if change is not None:
        handles.append(writer.register_forward_hook(change, with_kwargs=True))
    try:
        with torch.no_grad(), evaluating(model), suppress(ArrivedError):
            forward(model, batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _adapt(module: nn.Module, moments: _Moments) -> None:
    """Merge the prediction of what the layers added into `module`, which writes before them."""
    if not moments.total:
        return
    bias: Any = getattr(module, "bias", None)
    x, y = moments.x / moments.total, moments.y / moments.total
    products, crossed = moments.xx / moments.total, moments.xy / moments.total
    if bias is not None:
        products, crossed = products - x[:, None] * x, crossed - x[:, None] * y
    ridge = RIDGE * products.diagonal().mean().clamp(min=1e-30)
    products.diagonal().add_(ridge)
    fit = torch.linalg.solve(products, crossed)  # B transposed, [d, e]
    with torch.no_grad():  # new tensors, for the old ones may be the parent's, too
        weight: Any = module.weight
        module.weight = nn.Parameter(weight.detach().clone(), weight.requires_grad)
        dense_weight(module).T.add_(fit)
        if bias is not None:
            module.bias = nn.Parameter(bias + (y - x @ fit).to(bias.dtype), bias.requires_grad)
