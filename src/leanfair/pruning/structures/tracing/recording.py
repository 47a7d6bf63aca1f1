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
    """One call of a module: its arguments, the shape of the first tensor of its output, and whether
    that equals its first argument (`passes_on`)."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shape: torch.Size | None
    passes_on: bool = False


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
    left_with: dict[str, tuple[torch.Size | None, bool]] = {}

    def entered(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if name in keep and name not in given:  # copied: the module may change it in place
                given[name] = copied(args), copied(kwargs)
            order.setdefault(name)
            times[name] += 1

        return hook

    def left(name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if name not in left_with:
                y, x = next(tensors(output), None), next(tensors(given.get(name)), None)
                same = x is not None and y is not None and is_close(x, y)
                left_with[name] = None if y is None else y.shape, same

        return hook

    with handles() as held, torch.no_grad():
        for name, module in model.named_modules():
            held.append(module.register_forward_pre_hook(entered(name), with_kwargs=True))
            held.append(module.register_forward_hook(left(name)))
        forward(model, sample.inputs)
    calls = {name: Call(*call, *left_with.get(name, (None,))) for name, call in given.items()}
    return Recording(tuple(order), times, calls)


def again(module: nn.Module, call: Call) -> Any:
    """The output of `module` for a copy of the arguments of `call`."""
    with torch.no_grad():
        return module(*copied(call.args), **copied(call.kwargs))


def is_close(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors, of one shape and type, are equal but for rounding."""
    if x.shape != y.shape or x.dtype != y.dtype:  # token ids and what is made of each are no match
        return False
    if not (x.is_floating_point() or x.is_complex()):
        return torch.equal(x, y)
    return within(x, y, 1e-5, 1e-6)


def within(x: Tensor, y: Tensor, relative: float, absolute: float) -> bool:
    """Whether two tensors of one shape differ by no more than `relative` of each value and
    `absolute`, or where all values of `x` are below 1 that share of the largest: a deep network
    with random weights may give outputs of 1e-14, which are not alike for being small."""
    scale = float(x.abs().max()) if x.numel() else 0.0
    return torch.allclose(x, y, rtol=relative, atol=absolute * min(1.0, scale))


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
