"""Copies of networks that take no memory for weights: they share them with what they are copies
of."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def shared_copy(model: Network) -> Network:
    """A copy of `model` whose parameters are its own, but share memory with those of `model`:
    replacing one, or its `data`, leaves the other as it is, and writing into one does not. Buffers,
    and all else, are copied."""
    plain = {
        id(value): nn.Parameter(value.detach(), value.requires_grad)
        for value in model.parameters()
        if type(value) is nn.Parameter
    }
    return copy.deepcopy(model, dict(plain))


def own_memory(model: Network, others: Iterable[nn.Module]) -> Network:
    """`model`, in place, with memory of its own for every parameter that shares it with one of
    `others`."""
    held = {
        value.untyped_storage().data_ptr() for other in others for value in other.parameters()
    } - {0}
    for value in model.parameters():
        if value.untyped_storage().data_ptr() in held:
            value.data = value.detach().clone()
    return model
