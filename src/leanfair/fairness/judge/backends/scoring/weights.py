"""Whether the weights of a model are still those that something was computed with."""

from __future__ import annotations

from itertools import chain
from typing import TypeAlias

from torch import Tensor, nn

State: TypeAlias = "tuple[tuple[int, float], ...]"
"""Of each tensor of a model where it lies, and a sum of some of its values."""

_LOOKED_AT = 8
"""Values of a tensor that are looked at, evenly spread: what changes weights changes them all but
for a chance, as training, a merged adapter or another checkpoint does."""


def state_of(model: nn.Module) -> State:
    """The state of the weights and buffers of `model`: another one where they were changed, in
    place and through `weight.data`, too, of which torch's own counter of versions knows nothing."""
    return tuple(_seen(value) for value in chain(model.parameters(), model.buffers()))


def _seen(value: Tensor) -> tuple[int, float]:
    if value.is_meta or not value.numel():
        return 0, 0.0
    flat = value.detach().flatten()
    some = flat[:: max(1, len(flat) // _LOOKED_AT)]
    return value.data_ptr(), float(some.double().sum())
