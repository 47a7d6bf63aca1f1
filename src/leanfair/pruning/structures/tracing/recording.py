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
    """One call of a module: its arguments, the shape of the first tensor of its output, whether
    that equals its first argument (`passes_on`), and whether it is all of the output and has the
    shape and type of the first argument (`keeps_shape`)."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shape: torch.Size | None
    passes_on: bool = False
    keeps_shape: bool = False


class Answer(NamedTuple):
    """The `output` of a module for a first argument of that `shape`."""

    shape: torch.Size
    output: Tensor


class Recording(NamedTuple):
    """`order`: module names by first call. `times`: number of calls of each. `calls`: the first
    call of each module whose calls were to be kept. `answers`: what each module with weights and
    without parts gave the first time, where that was a tensor."""

    order: tuple[str, ...]
    times: Counter[str]
    calls: dict[str, Call]
    answers: dict[str, Answer]


def record(model: nn.Module, sample: Batch, keep: Collection[str]) -> Recording:
    """Run `sample` through `model` once and keep the first call of each module named in `keep`."""
    order: dict[str, None] = {}
    times: Counter[str] = Counter()
    given: dict[str, tuple[Any, Any]] = {}
    left_with: dict[str, tuple[torch.Size | None, bool, bool]] = {}
    answers: dict[str, Answer] = {}

    def entered(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if name in keep and name not in given:  # copied: the module may change it in place
                given[name] = copied(args), copied(kwargs)
            order.setdefault(name)
            times[name] += 1

        return hook

    def left(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            if name not in left_with:
                if (answer := _answer(module, [args, kwargs], output)) is not None:
                    answers[name] = answer
                y, x = next(tensors(output), None), next(tensors(given.get(name)), None)
                if x is None or y is None:
                    left_with[name] = None if y is None else y.shape, False, False
                    return
                like = y is output and (x.shape, x.dtype) == (y.shape, y.dtype)
                left_with[name] = y.shape, is_close(x, y), like

        return hook

    with handles() as held, torch.no_grad():
        for name, module in model.named_modules():
            held.append(module.register_forward_pre_hook(entered(name), with_kwargs=True))
            held.append(module.register_forward_hook(left(name), with_kwargs=True))
        forward(model, sample.inputs)
    calls = {name: Call(*call, *left_with.get(name, (None,))) for name, call in given.items()}
    return Recording(tuple(order), times, calls, answers)


def _answer(module: nn.Module, given: Any, output: Any) -> Answer | None:
    """What a module with weights and without parts gave for arguments; None for other modules, and
    where it gave something else than a tensor."""
    x = next(tensors(given), None)
    if not module._parameters or module._modules or not isinstance(output, Tensor):
        return None
    if x is None or not x.ndim or not len(x) or not output.ndim:
        return None
    return Answer(x.shape, output.clone())  # it may be changed in place


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


class Answering:
    """A handle: until it is removed, a module gives what it gave when it was recorded, for as many
    samples as it is called with, and does not run; for inputs of another shape it does."""

    def __init__(self, module: nn.Module, answer: Answer) -> None:
        real, self._held = module.forward, vars(module)
        self._before = {key: self._held[key] for key in ("forward",) if key in self._held}
        self._shape, output = answer
        one = [1] * (output.ndim - 1)

        def forward(*args: Any, **kwargs: Any) -> Any:
            if not self.fits(args, kwargs):
                return real(*args, **kwargs)
            x = next(tensors([args, kwargs]))
            return output.repeat(len(x) // self._shape[0], *one)

        self._held["forward"] = forward

    def fits(self, args: Any, kwargs: Any) -> bool:
        """Whether the module does not run for these arguments."""
        x = next(tensors([args, kwargs]), None)
        if x is None or x.shape[1:] != self._shape[1:]:
            return False
        return x.ndim > 0 and len(x) % self._shape[0] == 0

    def remove(self) -> None:
        """The module runs as it did before."""
        del self._held["forward"]
        self._held.update(self._before)


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
