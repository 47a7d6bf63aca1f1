"""Which module wrote to the residual stream before some layers, and how its outputs arrive there.

Nothing is believed of names: noise is added to what the module says, and the stream has to gain
just that, each output times a constant at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from leanfair.data.batches import Batch, forward
from leanfair.pruning.reconstruction.least_squares import reconstructible
from leanfair.pruning.surgery.activations import ArrivedError, inferring
from leanfair.pruning.surgery.modules import (
    feature_dim,
    first_output,
    first_tensor,
    with_first_output,
)
from leanfair.pruning.types import Cut

_SAME = 1e-3
"""What was added to the output of a module arrives in the stream up to this share of its norm, or
twice the precision of the numbers, where it is added as it is."""

_FAR = 30.0
"""How far outputs are lifted out of the reach of a ReLU, in sizes of the stream."""

_PROOF = 16
"""Samples in which it is seen how the outputs of a module arrive in the stream."""

_TELLING = 8
"""Places of an output that have to be above a ReLU to tell how it is scaled."""


@dataclass(frozen=True)
class Gap:
    """Removed layers that follow each other in a container, and the member `before` them, None
    where there is none; all by their names."""

    layers: tuple[str, ...]
    before: str | None


@dataclass(frozen=True)
class Writer:
    """The dense module or convolution `name` that wrote to the stream before a gap, and by how much
    each of its outputs is scaled before it is added: `gains` [out]. Where it is `turned`, features
    are last in what it says and come second in the stream."""

    name: str
    turned: bool
    gains: Tensor


def writer_before(model: nn.Module, gap: Gap, cut: Cut, batch: Batch) -> Writer | None:
    """The module that wrote to the stream before a gap: the last one up to where the block before
    it ends its addition, else the last one; None where what neither writes is added, which
    some samples of `batch` show."""
    sample = batch[:_PROOF]
    ran = _ran(model, gap, sample[:1])
    gone = tuple(f"{layer.name}." for layer in cut.layers)
    named = next(layer for layer in cut.layers if layer.name == gap.layers[0])
    exits = {f"{gap.before}{exit.removeprefix(named.name)}" for exit in named.exits}
    ends = [place for place, name in enumerate(ran) if name in exits]
    beginnings = (ran[: ends[-1] + 1] if ends else [], ran)
    found = []
    for beginning in beginnings:
        names = (name for name in reversed(beginning) if not name.startswith(gone))
        found += [next((name for name in names if reconstructible(model.get_submodule(name))), "")]
    for name, turned in product(dict.fromkeys(name for name in found if name), (False, True)):
        gains = _gains(model, gap, name, turned, sample)
        if gains is not None:
            return Writer(name, turned, gains)
    return None


def _ran(model: nn.Module, gap: Gap, sample: Batch) -> list[str]:
    """The modules without members that run before a gap, in order, by name."""
    ran: list[str] = []

    def runs(name: str) -> Any:
        return lambda module, args: ran.append(name)

    def arrives(module: nn.Module, args: Any) -> None:
        raise ArrivedError

    leaves = [(name, m) for name, m in model.named_modules() if name and not any(m.children())]
    handles = [module.register_forward_pre_hook(runs(name)) for name, module in leaves]
    handles += [model.get_submodule(gap.layers[0]).register_forward_pre_hook(arrives)]
    _pass(model, sample, handles)
    return ran


def _gains(model: nn.Module, gap: Gap, name: str, turned: bool, sample: Batch) -> Tensor | None:
    """By how much each output of module `name` is scaled before it is added to the stream before
    the gap, [out]; None where it is not so, place by place. Noise that is added to the outputs
    tells it."""
    stream = _Stream(model, gap, name, turned, sample)
    rows = stream.rows()
    if rows is None:
        return None
    plain, tolerance = rows.float(), max(_SAME, 2 * torch.finfo(rows.dtype).eps)
    size = float(plain.square().mean().sqrt())
    generator = torch.Generator().manual_seed(0)
    noise = size * torch.randn(plain.shape, generator=generator).to(plain)
    after = stream.moved(noise)
    if after is None or not size > 0:
        return None
    if (plain < 0).any() or (after < 0).any():
        return _scaled(plain, after, noise, tolerance)
    return _rectified(stream, plain, after, noise, tolerance)


def _rectified(
    stream: _Stream, plain: Tensor, after: Tensor, noise: Tensor, tolerance: float
) -> Tensor | None:
    """The gains where nothing of the stream is negative: all outputs are lifted first, so that a
    ReLU hides none of the noise. What it makes of the `plain` stream and of that `after` the noise
    has to follow from them."""
    far = torch.full_like(plain, _FAR * float(plain.square().mean().sqrt()))
    lifted = stream.moved(far)
    if lifted is None:
        return None
    far = torch.where((lifted - plain).sum(dim=0) >= 0, far, -far)
    low, high = stream.moved(far), stream.moved(far + noise)
    if low is None or high is None:
        return None
    gains = _scaled(low, high, noise, tolerance)
    if gains is None:
        return None
    told = (low > 0) | (gains == 0)
    for by, found in ((0.0, plain), (noise, after)):
        wrong = told * ((low + gains * (by - far)).relu() - found)
        if wrong.norm() > tolerance * (gains * noise).norm():
            return None
    return gains


@dataclass(frozen=True)
class _Stream:
    """The residual stream before a gap, as module `name` writes to it, in passes of `sample`."""

    model: nn.Module
    gap: Gap
    name: str
    turned: bool
    sample: Batch

    def moved(self, by: Tensor) -> Tensor | None:
        """Its `rows`, in float32."""
        found = self.rows(by)
        return None if found is None else found.float()

    def rows(self, by: Tensor | None = None) -> Tensor | None:
        """The stream, [rows, out], perhaps where `by` of that shape is added to what the module
        says; None where it has another shape, or where the module does not run once."""
        runs: list[int] = []

        def add(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
            value, dim = first_output(output), feature_dim(module)
            runs.append(len(value))
            if by is None:
                return None
            more = by.reshape(value.movedim(dim, -1).shape).movedim(-1, dim)
            return with_first_output(output, value + more.to(value))

        seen = around(self.model, self.gap, self.name, self.sample, add)
        if len(runs) != 1 or "x" not in seen:
            return None
        stream = turned_back(seen["before"], self.turned)
        if stream.shape != seen["said"].shape:
            return None
        features = feature_dim(self.model.get_submodule(self.name))
        return stream.movedim(features, -1).flatten(0, -2)


def _scaled(low: Tensor, high: Tensor, noise: Tensor, tolerance: float) -> Tensor | None:
    """The factors [d] of the `noise` by which `high` is more than `low`, all [rows, d], up to so
    much of its norm: ones where they do; 0 where too little is above a ReLU to tell; None where it
    is no multiple of the noise."""
    rectified = bool((low >= 0).all() and (high >= 0).all())
    seen = (low > 0) & (high > 0) if rectified else torch.ones_like(low, dtype=torch.bool)
    told = seen.sum(dim=0) >= min(_TELLING, len(seen))
    change, noise = seen * (high - low), seen * noise
    least = (change * noise).sum(dim=0) / noise.square().sum(dim=0).clamp(min=1e-30)
    for gains in (told.to(least), told * least):
        more = gains * noise
        if more.norm() > 0 and (told * change - more).norm() <= tolerance * more.norm():
            return gains
    return None


def turned_back(stream: Tensor, turned: bool) -> Tensor:
    """The stream with its second dimension last where that is asked for and it has others."""
    return stream.movedim(1, -1) if turned and stream.ndim > 2 else stream


def around(
    model: nn.Module, gap: Gap, writer: str, batch: Batch, change: Any = None
) -> dict[str, Tensor]:
    """The inputs "x" of the writer, what it "said", the stream "before" the gap and that "after"
    it, in a pass that ends there, in which `change` hooks the writer."""
    found: dict[str, Tensor] = {}

    def enters(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            found[name] = first_tensor(args, kwargs)[1].clone()  # blocks may add in place

        return hook

    def says(module: nn.Module, args: Any, output: Any) -> None:
        found["said"] = first_output(output)

    def leaves(module: nn.Module, args: Any, output: Any) -> None:
        found["after"] = first_output(output)
        raise ArrivedError

    module = model.get_submodule(writer)
    first, last = (model.get_submodule(name) for name in (gap.layers[0], gap.layers[-1]))
    handles = [
        module.register_forward_pre_hook(enters("x"), with_kwargs=True),
        module.register_forward_hook(says),
        first.register_forward_pre_hook(enters("before"), with_kwargs=True),
        last.register_forward_hook(leaves),
    ]
    if change is not None:
        handles.append(module.register_forward_hook(change, with_kwargs=True))
    _pass(model, batch, handles)
    return found


def _pass(model: nn.Module, batch: Batch, handles: Sequence[RemovableHandle]) -> None:
    """A pass of `batch` with hooks, which may end it, and which are taken away afterwards."""
    with inferring(model, *handles), suppress(ArrivedError):
        forward(model, batch.inputs)
