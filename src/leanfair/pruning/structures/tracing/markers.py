"""The values that mark channels in dependency tracing."""

from __future__ import annotations

from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.pruning.structures.tracing.recording import mapped, tensors


class Marker:
    """A marker: NaN, which almost every operation propagates, or (`huge`) a value of 1e30, which a
    bounded function such as the sigmoid of a gate does not propagate."""

    def __init__(self, huge: bool = False) -> None:
        self.huge = huge

    def value(self, dtype: torch.dtype) -> float:
        """The marker for tensors of that type."""
        return min(1e30, torch.finfo(dtype).max / 2) if self.huge else float("nan")

    def mask(self, tensor: Tensor) -> Tensor:
        """Which elements of `tensor` carry the marker, bool of the same shape."""
        if not self.huge or not tensor.is_floating_point():
            return torch.isnan(tensor)
        return ~(tensor.abs() < min(1e15, torch.finfo(tensor.dtype).max / 8))

    def found_in(self, value: Any) -> bool:
        """Whether any tensor in `value` carries the marker."""
        return any(self._carries(tensor) for tensor in tensors(value))

    def _carries(self, tensor: Tensor) -> bool:
        # NaN anywhere makes a sum NaN: where that is finite, there is no need to look closer.
        if not self.huge and tensor.is_floating_point() and isfinite(tensor.sum()):
            return False
        return bool(self.mask(tensor).any())

    def along(self, tensor: Tensor, *dims: int) -> Tensor:
        """Which positions along dimensions `dims` carry the marker anywhere, bool [sizes of
        dims]."""
        moved = tensor.movedim(dims, tuple(range(len(dims))))
        rest = tuple(range(len(dims), moved.ndim))
        if not moved.numel():
            return torch.zeros(moved.shape[: len(dims)], dtype=torch.bool)
        if rest:  # the largest value is NaN where one is, and huge where one is
            sizes = moved.is_complex() or (self.huge and moved.is_floating_point())
            moved = (moved.abs() if sizes else moved).amax(rest)
        return self.mask(moved).cpu()

    def cleared(self, value: Any) -> Any:
        """`value` with zeros in place of the marker."""
        return mapped(value, lambda x: x.masked_fill(self.mask(x), 0))

    def filled(self, value: Any) -> Any:
        """`value` with every floating-point element replaced by the marker."""
        return mapped(
            value,
            lambda x: torch.full_like(x, self.value(x.dtype)) if x.is_floating_point() else x,
        )


NAN = Marker()
HUGE = Marker(huge=True)


def mark_output(module: nn.Module, args: Any, output: Any) -> Any:
    """A forward hook that marks the whole output of a module."""
    return NAN.filled(output)


def clear_inputs(module: nn.Module, args: Any, kwargs: Any) -> Any:
    """A forward pre-hook that replaces the marker by zeros in the inputs of a module."""
    return NAN.cleared(args), NAN.cleared(kwargs)
