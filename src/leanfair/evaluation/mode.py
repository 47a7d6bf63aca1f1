"""How a network is held while it is measured: in evaluation mode, on its own device, and where
numbers are compared in full precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

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


@contextmanager
def full_precision() -> Iterator[None]:
    """While this lasts, no product of float32 is rounded to TF32, in matrix products, convolutions
    and recurrent layers on a GPU. Nothing else changes, and all is as before at the end."""
    switches = _tf32_switches()
    before = [getattr(place, name) for place, name, _ in switches]
    for place, name, off in switches:
        setattr(place, name, off)
    try:
        yield
    finally:
        for (place, name, _), value in zip(switches, before, strict=True):
            setattr(place, name, value)


def _tf32_switches() -> list[tuple[Any, str, Any]]:
    """Where PyTorch is told whether TF32 may be used, and what means that it may not."""
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if not hasattr(cudnn, "conv"):  # before PyTorch 2.9
        return [(cuda, "allow_tf32", False), (cudnn, "allow_tf32", False)]
    places: tuple[Any, ...] = (cuda, cudnn.conv, cudnn.rnn)
    return [(place, "fp32_precision", "ieee") for place in places]


def device_of(model: nn.Module) -> torch.device | None:
    """The device of the first parameter or buffer, None where the model has neither."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return None if first is None else first.device


def moved(batch: Batch, model: nn.Module) -> Batch:
    """`batch` on the device of `model`."""
    device = device_of(model)
    return batch if device is None else batch.to(device)
