"""The recording of one forward pass: which modules ran, in which order, on which inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward


class Call(NamedTuple):
    """One call of a module: its arguments, and the shape of the first tensor of its output."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shape: torch.Size | None


class Recording(NamedTuple):
    """`order`: module names by first call. `times`: number of calls of each. `calls`: the first
    call of each module whose calls were to be kept."""

    order: tuple[str, ...]
    times: Counter[str]
    calls: dict[str, Call]


def record(model: nn.Module, sample: Batch, keep: Collection[str]) -> Recording:
    """Run `sample` through `model` once and keep the first call of each module named in `keep`."""
    order: dict[str, None] = {}
    times: Counter[str] = Counter()
    given: dict[str, tuple[Any, Any]] = {}
    shapes: dict[str, torch.Size | None] = {}

    def entered(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if name in keep and name not in given:  # copied: the module may change it in place
                given[name] = copied(args), copied(kwargs)
            order.setdefault(name)
            times[name] += 1

        return hook

    def left(name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            first = next(tensors(output), None)
            shapes.setdefault(name, None if first is None else first.shape)

        return hook

    with handles() as held, torch.no_grad():
        for name, module in model.named_modules():
            held.append(module.register_forward_pre_hook(entered(name), with_kwargs=True))
            held.append(module.register_forward_hook(left(name)))
        forward(model, sample.inputs)
    calls = {name: Call(*call, shapes.get(name)) for name, call in given.items()}
    return Recording(tuple(order), times, calls)


def again(module: nn.Module, call: Call) -> Any:
    """The output of `module` for a copy of the arguments of `call`."""
    with torch.no_grad():
        return module(*copied(call.args), **copied(call.kwargs))


@contextmanager
def handles() -> Iterator[list[Any]]:
    """A list of hook handles, removed when the context ends."""
    held: list[Any] = []
    try:
        yield held
    finally:
        for handle in held:
            handle.remove()


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists and dicts, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)


def mapped(value: Any, change: Any) -> Any:
    """`value` with `change` applied to every tensor in its nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return value._make(mapped(item, change) for item in value)
    if isinstance(value, (tuple, list)):
        return type(value)(mapped(item, change) for item in value)
    if type(value) is dict:
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, dict):
        clone = value.copy()
        for key, item in value.items():
            clone[key] = mapped(item, change)
        return clone
    return value


def copied(value: Any) -> Any:
    """`value` with every tensor in it cloned."""
    return mapped(value, Tensor.clone)
