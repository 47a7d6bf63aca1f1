"""The type of numbers that a network is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def dtype_of(model: nn.Module) -> torch.dtype:
    """That of the first weight that has one of numbers."""
    found = (value.dtype for value in model.parameters() if value.is_floating_point())
    return next(found, torch.get_default_dtype())


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """While this lasts, buffers come out in the type of the weights, as they do when transformers
    loads them."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
