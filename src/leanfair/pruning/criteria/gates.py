"""Multiplicative gates on structures: the derivatives of what a network says with respect to a
factor on the contribution of each structure, all of them from one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.data.language import answers_by_token, flattened
from leanfair.errors import InputError
from leanfair.pruning.surgery.modules import (
    consumers,
    feature_dim,
    first_output,
    first_tensor,
    in_full,
    with_first_output,
    with_first_tensor,
)
from leanfair.pruning.types import Layer, Member, Structure


@dataclass
class Gauge:
    """Hears the derivatives with respect to the gates of one structure in a backward pass, and
    hands them to `keep`, [gates, neurons], with one column for a layer. If the structure
    contributes in several places, the derivatives of all of them (`expected` of them) are summed
    first: `joint`. `reached`: whether any gradient ever came."""

    structure: Structure
    keep: Callable[[Tensor], None]
    expected: int = 0
    heard: int = 0
    joint: Tensor | None = None
    reached: bool = False

    @property
    def count(self) -> int:
        """The number of neurons; 1 for a layer."""
        return count_of(self.structure)

    def begin(self) -> None:
        """Prepare for a forward pass."""
        self.expected, self.heard, self.joint, self.reached = 0, 0, None, False

    def hear(self, slopes: Tensor) -> None:
        """Add `slopes`, the derivatives with respect to the gates in one place, [gates,
        neurons]."""
        self.heard += 1
        self.reached = True
        self.joint = slopes if self.joint is None else self.joint + slopes
        if self.heard == self.expected:
            self.settle()

    def settle(self) -> None:
        """Hand on what was heard in this backward pass; where nothing was, nothing is."""
        if self.joint is not None:
            self.keep(self.joint)
        self.joint, self.heard = None, 0


def count_of(structure: Structure) -> int:
    """The number of neurons; 1 for a layer."""
    return 1 if isinstance(structure, Layer) else structure.count


def unreached(gauges: Iterable[Gauge]) -> InputError | None:
    """The error where some structure was reached by no gradient; None where all were."""
    name = next((gauge.structure.name for gauge in gauges if not gauge.reached), None)
    if name is None:
        return None
    return InputError(f"No gradient reaches {name}: choose another criterion.")


@dataclass
class Gates:
    """The gates of a batch: one per sample or, once `tokens` is set because the model has an output
    per token, one per token."""

    batch: Batch
    tokens: int | None = None

    def slopes(self, products: Tensor) -> Tensor:
        """`products` [n, ..., neurons], summed over the positions that share a gate: [gates,
        neurons]. Raises InputError if the first dimension is not that of the samples."""
        n, length = len(self.batch), self.tokens
        if length is not None and products.ndim == 2 and len(products) == n * length:
            products = products.reshape(n, length, -1)  # flattened to [n * tokens], as in OPT
        if len(products) != n:
            raise folded("fisher", len(products), n)
        rows = products.reshape(n, -1, products.shape[-1])
        return rows.sum(dim=1) if length is None else flattened(self.batch, rows)


class _Listen(torch.autograd.Function):
    """The identity on `x`, whose backward pass calls `hear` with the contribution and the gradient.
    The output depends on `anchor`, so that a gradient is computed even if all weights are
    frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, contribution: Tensor, hear: Any, copy: bool
    ) -> Tensor:
        ctx.save_for_backward(contribution)
        ctx.hear = hear
        return x.clone() if copy else x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (contribution,) = ctx.saved_tensors
        ctx.hear(contribution, gradient)
        return gradient, None, None, None, None


def _listen(x: Tensor, anchor: Tensor, contribution: Tensor, hear: Any, *, copy: bool) -> Tensor:
    heard: Tensor = _Listen.apply(x, anchor, contribution, hear, copy)  # type: ignore[no-untyped-call]
    return heard


def gated(
    model: nn.Module, gauges: list[Gauge], batch: Batch, anchor: Tensor
) -> tuple[Tensor, int]:
    """The outputs of `model`, a row for each gate, from which every gauge can be heard; and how
    many tokens of a sample have a gate each, 0 where samples have one. Raises InputError where no
    gradient can come back from them."""
    gates = Gates(batch)
    with _listening(model, gauges, gates, anchor):
        outputs = forward(model, batch.inputs)
    length = outputs.shape[1] if outputs.ndim == 3 and answers_by_token(model) else 0
    if length:
        gates.tokens = length
        outputs = flattened(batch, outputs)
    if not outputs.requires_grad:
        raise InputError("The network keeps no gradients: choose another criterion, as kl.")
    return in_full(outputs), length


@contextmanager
def _listening(
    model: nn.Module, gauges: list[Gauge], gates: Gates, anchor: Tensor
) -> Iterator[None]:
    """Within the context, a forward pass of `model` connects every gauge to its backward pass."""
    modules = dict(model.named_modules())
    handles = []
    try:
        for gauge in gauges:
            gauge.begin()
            structure = gauge.structure
            if isinstance(structure, Layer):
                for name in structure.exits or (structure.name,):
                    hook = _at_output(gauge, gates, anchor, around=not structure.exits)
                    handles.append(modules[name].register_forward_hook(hook, with_kwargs=True))
                continue
            for member in consumers(structure):
                module = modules[member.module]
                hook = _at_input(gauge, gates, anchor, member, feature_dim(module))
                handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _at_output(gauge: Gauge, gates: Gates, anchor: Tensor, *, around: bool) -> Any:
    """A forward hook for an exit of a layer or, for a layer that is skipped as a whole (`around`),
    for the difference between its output and its input."""

    def hear(contribution: Tensor, gradient: Tensor) -> None:
        products = (in_full(contribution) * gradient).sum(dim=-1, keepdim=True)
        gauge.hear(gates.slopes(products))

    def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        gauge.expected += 1
        first = first_output(output)
        own = first.detach()
        if around:
            own = own - first_tensor(args, kwargs)[1].detach()
        heard = _listen(first, anchor, own, hear, copy=True)  # it may be changed in place
        return with_first_output(output, heard)

    return hook


def _at_input(gauge: Gauge, gates: Gates, anchor: Tensor, member: Member, dim: int) -> Any:
    """A forward pre-hook for a consumer, at the input features that belong to the neurons."""
    shape = (gauge.count, member.repeat)

    def own(x: Tensor) -> Tensor:
        return x.narrow(dim, member.offset, shape[0] * shape[1]).movedim(dim, -1)

    def hear(x: Tensor, gradient: Tensor) -> None:
        products = in_full(own(x)) * own(gradient)
        gauge.hear(gates.slopes(products.reshape(*products.shape[:-1], *shape).sum(dim=-1)))

    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        gauge.expected += 1
        _, x = first_tensor(args, kwargs)
        heard = _listen(x, anchor, x.detach(), hear, copy=False)
        return with_first_tensor(args, kwargs, heard)

    return hook


def folded(criterion: str, found: int, samples: int) -> InputError:
    """The error if the rows inside a network are not its samples, as with images cut into
    windows."""
    return InputError(
        f"Inside the network there are {found} rows for {samples} samples, so the criterion "
        f"{criterion} cannot tell the samples apart: choose another criterion, as kl."
    )
