"""Which blocks of a network can go: found by what they do, not by what they are called.

A block is a member of a Sequential or ModuleList beside others of its class. It can be removed when
zeroing the output of one of its modules (or of two: attention and MLP) makes it pass its input on
unchanged, on real inputs. That equal shapes are not enough is why the zeroing is tried out.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from leanfair.batches import Batch, forward
from leanfair.pruning.masks import _zero_output, first_tensor
from leanfair.pruning.types import Layer


class Call(NamedTuple):
    """One call of a module: what came in and what went out."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any


class Trace(NamedTuple):
    """Every module call of one forward pass."""

    order: tuple[str, ...]
    """Names of the modules in the order in which they were first entered."""
    calls: dict[str, Call]
    """The call of each candidate block."""
    times: Counter[str]
    """How often each module was called."""


def candidates(model: nn.Module) -> dict[str, str]:
    """Name of a possible block -> name of its container."""
    found: dict[str, str] = {}
    for container, module in model.named_modules():
        if not isinstance(module, (nn.Sequential, nn.ModuleList)):
            continue
        classes = Counter(type(child) for child in module)
        for key, child in module.named_children():
            if classes[type(child)] > 1 and len(list(child.modules())) > 2:
                found[f"{container}.{key}" if container else key] = container
    return found


def trace(model: nn.Module, sample: Batch, blocks: dict[str, str]) -> Trace:
    """Run `sample` through `model` once, and keep the calls of `blocks`."""
    order: dict[str, None] = {}
    calls: dict[str, Call] = {}
    count: Counter[str] = Counter()

    def entered(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            order.setdefault(name)
            count[name] += 1

        return hook

    def left(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            calls[name] = Call(_copied(args), _copied(kwargs), _copied(output))

        return hook

    handles = []
    for name, module in model.named_modules():
        if name in blocks:  # outputs are copied before a later in-place operation changes them
            handles.append(module.register_forward_hook(left(name), with_kwargs=True))
        handles.append(module.register_forward_pre_hook(entered(name), with_kwargs=True))
    try:
        with torch.inference_mode():
            forward(model, sample.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return Trace(tuple(order), calls, count)


def removable(model: nn.Module, traced: Trace, blocks: dict[str, str]) -> dict[str, Layer]:
    """The residual ones among `blocks`, innermost only, in order of execution."""
    found: dict[str, Layer] = {}
    for name in (n for n in traced.order if n in blocks and traced.times[n] == 1):
        exits = _exits(name, model.get_submodule(name), traced)
        if exits:
            found[name] = Layer(name, blocks[name], exits)
    inner = {name for name in found if any(other.startswith(f"{name}.") for other in found)}
    return {name: layer for name, layer in found.items() if name not in inner}


def members(found: dict[str, Layer], model: nn.Module, blocks: dict[str, str]) -> tuple[str, ...]:
    """All blocks of the runs that `found` are part of: the same class in the same container, also
    where a block changes the shape and cannot itself go."""
    kinds = {(layer.container, type(model.get_submodule(name))) for name, layer in found.items()}
    return tuple(
        name
        for name, container in blocks.items()
        if (container, type(model.get_submodule(name))) in kinds
    )


def stages(run: tuple[str, ...], traced: Trace, blocks: dict[str, str]) -> list[tuple[str, ...]]:
    """Consecutive blocks of one container and one output shape."""
    result: list[list[str]] = []
    last: Any = None
    for name in (n for n in traced.order if n in run):
        key = (blocks[name], _first(traced.calls[name].output).shape)
        if key != last:
            result.append([])
        result[-1].append(name)
        last = key
    return [tuple(stage) for stage in result]


def _exits(name: str, block: nn.Module, traced: Trace) -> tuple[str, ...]:
    """The modules of `block` whose zeroed outputs leave its input unchanged; () if there are none.

    Single modules are tried from the last to the first, then pairs.
    """
    call = traced.calls[name]
    try:
        _, x = first_tensor(call.args, call.kwargs)
        y = _first(call.output)
    except TypeError:
        return ()
    if x.shape != y.shape or torch.equal(x, y):
        return ()
    leaves = [
        leaf
        for leaf in reversed(traced.order)
        if leaf.startswith(f"{name}.") and _has_weights_only_here(block, leaf[len(name) + 1 :])
    ]
    for size in (1, 2):
        for exits in combinations(leaves, size):
            if _passes_on(block, name, exits, call, x):
                return exits
    return ()


def _has_weights_only_here(block: nn.Module, name: str) -> bool:
    module = block.get_submodule(name)
    weighted = any(True for _ in module.parameters(recurse=False))
    return weighted and not any(True for _ in module.children())


def _passes_on(block: nn.Module, name: str, exits: tuple[str, ...], call: Call, x: Tensor) -> bool:
    handles = [
        block.get_submodule(leaf[len(name) + 1 :]).register_forward_hook(_zero_output)
        for leaf in exits
    ]
    try:
        with torch.inference_mode():
            y = _first(block(*_copied(call.args), **_copied(call.kwargs)))
    except (RuntimeError, TypeError):
        return False
    finally:
        for handle in handles:
            handle.remove()
    return x.shape == y.shape and torch.allclose(x, y, rtol=1e-5, atol=1e-6)


def _first(output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, (tuple, list)) and output and isinstance(output[0], Tensor):
        return output[0]
    raise TypeError("the module returns no tensor")


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, (tuple, list)):
        return type(value)(_copied(item) for item in value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value
