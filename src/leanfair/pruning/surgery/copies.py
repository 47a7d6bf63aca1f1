"""Copies of networks that take no memory for weights: they share them with what they are copies
of."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

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
    return deep_copy(model, dict(plain))


def deep_copy(model: Network, memo: dict[int, Any]) -> Network:
    """`copy.deepcopy` in a fraction of the time: it takes the long way for every module, most of
    what each holds being empty. `memo`: copies that there are already, by `id`."""
    if id(model) in memo:
        known: Network = memo[id(model)]
        return known
    kind: type[Network] = type(model)
    if not _is_plain(cast(Hashable, kind)):
        return copy.deepcopy(model, memo)
    memo[id(model)] = made = kind.__new__(kind)
    state = {key: _copied(value, memo) for key, value in vars(model).items()}
    made.__setstate__(state)  # type: ignore[no-untyped-call]
    return made


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in _UNCHANGING or (kind is tuple and all(type(item) in _UNCHANGING for item in value)):
        return value
    if (known := memo.get(id(value))) is not None:
        return known
    if isinstance(value, nn.Module):
        return deep_copy(value, memo)
    if kind is Tensor and _is_alone(value):
        memo[id(value)] = clone = value.clone()
        return clone
    if kind is dict:
        memo[id(value)] = copied = {}
        copied.update({key: _copied(item, memo) for key, item in value.items()})
        return copied
    if kind in _EMPTY and not value:
        memo[id(value)] = made = kind()
        return made
    return copy.deepcopy(value, memo)


_UNCHANGING = frozenset((type(None), bool, int, float, str, type, torch.dtype))
_EMPTY = frozenset((OrderedDict, set, list))


def _is_alone(value: Tensor) -> bool:
    """Whether a tensor is plain data with memory of its own."""
    own = value.is_contiguous() and value.untyped_storage().nbytes() == value.nbytes
    return own and not value.requires_grad and not value.is_meta and not vars(value)


@cache
def _is_plain(kind: Hashable) -> bool:
    """Whether modules of a class are copied as any module, and not by code of their own, apart from
    `__setstate__`, as convolutions have it, which is called."""
    return not hasattr(kind, "__deepcopy__") and all(
        getattr(kind, name, None) is getattr(nn.Module, name, None)
        for name in (
            "__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__",
            "__new__", "__slots__",
        )
    )  # fmt: skip


def frame_of(model: Network) -> Network:
    """A copy of the modules of `model` alone, each of which holds the very tensors and other things
    of its original. What is set, taken out or narrowed in the copy, by the names of modules, leaves
    `model` as it is. Good for shapes, names and settings; not to be run, for what a module holds
    besides its parts, such as a hook, may lead into the original."""
    return _framed(model, {})


def _framed(model: Network, made: dict[int, nn.Module]) -> Network:
    if id(model) in made:
        return cast(Network, made[id(model)])
    frame: Network = nn.Module.__new__(type(model))
    made[id(model)] = frame
    held = vars(frame)
    held.update(vars(model))
    held |= {name: dict(held[name]) for name in ("_parameters", "_buffers")}
    held["_modules"] = {
        name: None if part is None else _framed(part, made) for name, part in model._modules.items()
    }
    return frame


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
