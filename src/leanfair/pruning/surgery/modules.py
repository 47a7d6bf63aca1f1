"""Dense layers, and the first tensor that a module is given and gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.errors import SurgeryError
from leanfair.pruning.types import Cut, Member, Neurons, Side


def features_of(member: Member, indices: tuple[int, ...]) -> Tensor:
    """The positions, along the member's dimension, that neurons `indices` own."""
    starts = torch.tensor(indices, dtype=torch.long) * member.repeat + member.offset
    return (starts[:, None] + torch.arange(member.repeat)).flatten()


def positions_of(cut: Cut) -> dict[tuple[str, Side], Tensor]:
    """The positions that the neurons of `cut` own, by module and side."""
    found: dict[tuple[str, Side], Tensor] = {}
    for neurons in cut.neurons:
        for member in neurons.group.members:
            place = member.module, member.side
            positions = features_of(member, neurons.drop)
            found[place] = torch.cat([found.get(place, positions[:0]), positions])
    return found


def consumers(group: Neurons) -> tuple[Member, ...]:
    """The members that read the neurons: where a neuron that is masked disappears for good."""
    return tuple(member for member in group.members if member.side == "in")


def feature_dim(module: nn.Module) -> int:
    """Which dimension of the module's input holds its features: 1 for convolutions, else last."""
    return -1 if is_dense(module) else 1


def is_dense(module: nn.Module) -> bool:
    """Whether `module` is a dense layer: a Linear, or what GPT-2 has in its place."""
    kind: Any = type(module)
    return isinstance(module, nn.Linear) or _is_transposed(kind)


def dense_weight(module: nn.Module) -> Tensor:
    """The weight of a dense layer as [out, in], a view without a gradient."""
    weight: Any = module.weight
    found: Tensor = weight.detach()
    return found if isinstance(module, nn.Linear) else found.T


@cache
def _is_transposed(kind: type[nn.Module]) -> bool:
    """Whether a class is transformers' Conv1D: a Linear whose weight is [in, out]. It is known by
    its name, so that networks without it need no transformers."""
    return any(
        base.__name__ == "Conv1D" and base.__module__ == "transformers.pytorch_utils"
        for base in kind.__mro__
    )


def first_tensor(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str | int, Tensor]:
    """The first tensor that a module is called with, and where it stands."""
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
    """The module of that name. Raises SurgeryError where there is none."""
    try:
        return model.get_submodule(name)
    except AttributeError:
        raise SurgeryError(f"The cut does not fit: the model has no module {name}.") from None


def first_output(output: Any) -> Tensor:
    """What a module gives, or the first of what it gives."""
    first: Tensor = output if isinstance(output, Tensor) else output[0]
    return first


def with_first_output(output: Any, value: Tensor) -> Any:
    """The same with its first tensor replaced by `value`."""
    return value if isinstance(output, Tensor) else type(output)((value, *output[1:]))


def in_full(x: Tensor) -> Tensor:
    """`x` in float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float))
