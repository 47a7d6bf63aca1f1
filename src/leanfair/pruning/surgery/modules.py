"""Helpers for modules: dense layers, positions of neurons, first input and output tensors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.errors import SurgeryError
from leanfair.pruning.types import Cut, Member, Neurons, Side


def features_of(member: Member, indices: tuple[int, ...]) -> Tensor:
    """The positions of neurons `indices` along the feature dimension of a member, int64 [m]."""
    starts = torch.tensor(indices, dtype=torch.long) * member.repeat + member.offset
    return (starts[:, None] + torch.arange(member.repeat)).flatten()


def positions_of(cut: Cut) -> dict[tuple[str, Side], Tensor]:
    """The positions of all neurons that `cut` removes, int64 [m], by module and side."""
    positions_at: dict[tuple[str, Side], Tensor] = {}
    for neurons in cut.neurons:
        for member in neurons.group.members:
            place = member.module, member.side
            positions = features_of(member, neurons.drop)
            positions_at[place] = torch.cat([positions_at.get(place, positions[:0]), positions])
    return positions_at


def consumers(group: Neurons) -> tuple[Member, ...]:
    """The members that read the neurons: zeroing a neuron there removes its whole contribution."""
    return tuple(member for member in group.members if member.side == "in")


def feature_dim(module: nn.Module) -> int:
    """The feature dimension of a module's tensors: the last of a dense layer, else 1 (channels)."""
    return -1 if is_dense(module) else 1


def is_dense(module: nn.Module) -> bool:
    """Whether `module` is a dense layer: a Linear, or the Conv1D of transformers (GPT-2)."""
    kind: Any = type(module)
    return isinstance(module, nn.Linear) or _is_transposed(kind)


def dense_weight(module: nn.Module) -> Tensor:
    """The weight of a dense layer as [out, in]: a detached view."""
    weight: Any = module.weight
    detached: Tensor = weight.detach()
    return detached if isinstance(module, nn.Linear) else detached.T


def weight_shape(module: nn.Module) -> tuple[int, ...]:
    """The shape of the weight of a dense layer, [out, in], or of a convolution, [out, in in its
    group, *kernel], transposed or not; also where a parametrization computes it."""
    if isinstance(module, _ConvNd):
        return module.out_channels, module.in_channels // module.groups, *module.kernel_size
    if isinstance(module, nn.Linear) and module._parameters.get("weight") is None:
        return module.out_features, module.in_features
    return tuple(dense_weight(module).shape)


@cache
def _is_transposed(kind: type[nn.Module]) -> bool:
    """Whether a class is the Conv1D of transformers, a linear layer with a weight [in, out]. It is
    recognised by name, so that transformers need not be imported for other networks."""
    return any(
        base.__name__ == "Conv1D" and base.__module__ == "transformers.pytorch_utils"
        for base in kind.__mro__
    )


def first_tensor(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str | int, Tensor]:
    """The first tensor among the arguments of a call, and its position or keyword."""
    places: list[tuple[str | int, Any]] = [*enumerate(args), *kwargs.items()]
    for place, value in places:
        if isinstance(value, Tensor):
            return place, value
    raise TypeError("the module was called without a tensor")


def with_first_tensor(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], value: Tensor
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same call with its first tensor replaced by `value`."""
    place, _ = first_tensor(args, kwargs)
    if isinstance(place, int):
        return (*args[:place], value, *args[place + 1 :]), dict(kwargs)
    return args, {**kwargs, place: value}


def module_named(model: nn.Module, name: str) -> nn.Module:
    """The module of that name. Raises SurgeryError if there is none."""
    try:
        return model.get_submodule(name)
    except AttributeError:
        raise SurgeryError(f"The cut does not fit: the model has no module {name}.") from None


def first_output(output: Any) -> Tensor:
    """The output of a module or, of a tuple, its first element."""
    first: Tensor = output if isinstance(output, Tensor) else output[0]
    return first


def with_first_output(output: Any, value: Tensor) -> Any:
    """The same output with its first tensor replaced by `value`."""
    return value if isinstance(output, Tensor) else type(output)((value, *output[1:]))


def in_full(x: Tensor) -> Tensor:
    """`x` in float32, or in its own type if that is wider."""
    return x.to(torch.promote_types(x.dtype, torch.float))
