"""The zero-masked twin: a network in which structures are still there, but contribute nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.errors import SurgeryError
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons, Side

Hook = Callable[..., Any]


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


def _zero_features(positions: Tensor, dim: int) -> Hook:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        _, x = first_tensor(args, kwargs)
        masked = x.index_fill(dim, positions.to(x.device), 0.0)
        return with_first_tensor(args, kwargs, masked)

    return hook


def first_output(output: Any) -> Tensor:
    """What a module gives, or the first of what it gives."""
    first: Tensor = output if isinstance(output, Tensor) else output[0]
    return first


def with_first_output(output: Any, value: Tensor) -> Any:
    """The same with its first tensor replaced by `value`."""
    return value if isinstance(output, Tensor) else type(output)((value, *output[1:]))


def _zero_output(module: nn.Module, args: Any, output: Any) -> Any:
    return with_first_output(output, torch.zeros_like(first_output(output)))


def _pass_on(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
    """What a block gives when it is left out: what it was given."""
    return with_first_output(output, first_tensor(args, kwargs)[1])


@contextmanager
def masked(
    model: nn.Module, layers: tuple[Layer, ...] = (), neurons: tuple[NeuronCut, ...] = ()
) -> Iterator[nn.Module]:
    """`model`, as long as the context lasts, with the contributions of `layers` and of the dropped
    neurons at zero: what removing them physically has to reproduce. Raises SurgeryError where the
    model lacks one of them."""
    handles = []
    try:
        for layer in layers:
            for name in layer.exits:
                handles.append(module_named(model, name).register_forward_hook(_zero_output))
            if not layer.exits:
                block = module_named(model, layer.name)
                handles.append(block.register_forward_hook(_pass_on, with_kwargs=True))
        for cut in neurons:
            for member in consumers(cut.group):
                module = module_named(model, member.module)
                hook = _zero_features(features_of(member, cut.drop), feature_dim(module))
                handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        yield model
    finally:
        for handle in handles:
            handle.remove()


def masked_by(cut: Cut, model: nn.Module) -> Any:
    """`masked` for everything that `cut` removes."""
    return masked(model, cut.layers, cut.neurons)
