"""The dyes that channels are traced with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from leanfair.pruning.structures.tracing.recording import mapped, tensors


class Colour:
    """A dye: NaN, which hardly an operation loses, or a flood of huge values, which is lost where
    values are bounded, as in a gate."""

    def __init__(self, flood: bool = False) -> None:
        self.flood = flood

    def value(self, dtype: torch.dtype) -> float:
        """What dyes a tensor of that type."""
        return min(1e30, torch.finfo(dtype).max / 2) if self.flood else float("nan")

    def shows(self, tensor: Tensor) -> Tensor:
        """Where there is dye."""
        if not self.flood or not tensor.is_floating_point():
            return torch.isnan(tensor)
        return ~(tensor.abs() < min(1e15, torch.finfo(tensor.dtype).max / 8))

    def is_in(self, value: Any) -> bool:
        """Whether there is dye in any tensor of `value`."""
        return any(bool(self.shows(tensor).any()) for tensor in tensors(value))

    def along(self, tensor: Tensor, dim: int) -> Tensor:
        """At which positions of dimension `dim` there is dye."""
        return self.shows(tensor).movedim(dim, 0).flatten(1).any(1).cpu()

    def washed(self, value: Any) -> Any:
        """`value` with zeros where there is dye."""
        return mapped(value, lambda x: torch.where(self.shows(x), torch.zeros_like(x), x))

    def dyed(self, value: Any) -> Any:
        """`value` dyed all over."""
        return mapped(
            value,
            lambda x: torch.full_like(x, self.value(x.dtype)) if x.is_floating_point() else x,
        )


NAN = Colour()
FLOOD = Colour(flood=True)


def dye_all(module: nn.Module, args: Any, output: Any) -> Any:
    """A forward hook that dyes everything that a module gives."""
    return NAN.dyed(output)


def wash(module: nn.Module, args: Any, kwargs: Any) -> Any:
    """A forward pre-hook that lets no dye into a module."""
    return NAN.washed(args), NAN.washed(kwargs)
