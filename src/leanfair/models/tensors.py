"""All tensors that a network holds, those that torch's quantised layers keep packed among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.models.streamed import shelf_of

PER_CHANNEL = (torch.per_channel_affine, torch.per_channel_affine_float_qparams)


def tensors_of(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a network by name. What quantised layers keep packed comes unpacked: whole
    numbers, and what they are scaled by."""
    shelf = shelf_of(model)
    own = {id(value): name for name, value in reversed([*model.named_parameters()])}
    names = {name: own[id(v)] for name, v in model.named_parameters(remove_duplicate=False)}
    for name, value in model.state_dict().items():
        if shelf is not None and name in names:
            value = shelf.load(names[name])
        yield from _unpacked(name, value)


def packed_count(model: nn.Module) -> int:
    """How many weights torch's quantised layers keep packed, which are no parameters."""
    return sum(
        tensor.numel()
        for name, value in model.state_dict().items()
        if not isinstance(value, Tensor) or value.is_quantized
        for part, tensor in _unpacked(name, value)
        if not part.endswith((".scale", ".zero_point"))
    )


def _unpacked(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor) and value.is_quantized:
        yield f"{name}.ints", value.int_repr()
        if value.qscheme() in PER_CHANNEL:
            yield f"{name}.scale", value.q_per_channel_scales()
            yield f"{name}.zero_point", value.q_per_channel_zero_points()
        else:
            yield f"{name}.scale", torch.tensor(value.q_scale())
            yield f"{name}.zero_point", torch.tensor(value.q_zero_point())
    elif isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, (tuple, list)):
        for number, part in enumerate(value):
            yield from _unpacked(f"{name}.{number}", part)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _unpacked(f"{name}.{key}", part)
