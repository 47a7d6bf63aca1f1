"""How a network is held while it is measured: in evaluation mode, on its own device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from leanfair.data.batches import Batch


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put `model` into evaluation mode, and afterwards every module of it back as it was."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def device_of(model: nn.Module) -> torch.device | None:
    """The device of the first parameter or buffer, None where the model has neither."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return None if first is None else first.device


def moved(batch: Batch, model: nn.Module) -> Batch:
    """`batch` on the device of `model`."""
    device = device_of(model)
    return batch if device is None else batch.to(device)
