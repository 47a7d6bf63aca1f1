"""Running a network again with one structure masked, without paying again for what came before it.

The blocks before a masked structure give what they gave without the mask. So their outputs need not
be computed: the input of the structure's own block is kept, everything earlier is skipped, and only
the rest of the network runs. That is exact, and is checked on each block before it is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.batches import Batch, forward
from leanfair.evaluation.mode import evaluating
from leanfair.language import flattened
from leanfair.pruning.masks import first_tensor, with_first_tensor
from leanfair.pruning.types import Anatomy, Layer, Structure


class Outputs(NamedTuple):
    """What a network makes of some batches: `logits` [n, classes] and the penultimate `features`
    [n, ...], flattened to [n, d]. Of a language model, every token that is no padding is one of the
    n: logits [tokens, words] and features [tokens, d]."""

    logits: Tensor
    features: Tensor


class Site(NamedTuple):
    """A place to run from: the structures of one unit, and a function that runs the rest."""

    structures: tuple[Structure, ...]
    run: Callable[[], Outputs]


class _ArrivedError(Exception):
    """Raised to leave a forward pass at the unit whose input was wanted."""


def outputs(model: nn.Module, batches: Sequence[Batch]) -> Outputs:
    """Logits and penultimate features over all `batches`."""
    with _inferring(model):
        head = head_of(model, batches[0])
        return _joined([_observed(model, head, batch) for batch in batches])


def head_of(model: nn.Module, batch: Batch) -> str:
    """The name of the last operation with weights: its input is the penultimate representation."""
    last = ""

    def entered(name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            nonlocal last
            last = name

        return hook

    handles = [
        module.register_forward_pre_hook(entered(name))
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, _ConvNd))
    ]
    try:
        with _inferring(model):
            forward(model, batch[:1].inputs)
    finally:
        for handle in handles:
            handle.remove()
    return last


def sites(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> Iterator[Site]:
    """The structures of `model` unit by unit, each with a way to get the whole network's outputs
    over `batches` that computes only from that unit on. Mask what you like inside the unit (see
    `masks.masked`), then call `run`."""
    by_unit = _structures_by_unit(anatomy)
    whole = _from_the_start(model, anatomy)
    with _inferring(model):
        shapes = [_output_shapes(model, anatomy, batch) for batch in batches]
    truth = whole(batches[:1])
    entries: list[Tensor] | None = None
    known = -1
    for place, unit in enumerate(anatomy.units):
        if unit not in by_unit:
            continue
        here = _entries(model, anatomy, batches, shapes, known, entries, place)
        resume = _resumer(model, anatomy, batches, shapes, place, here)
        reached = len(here) == len(batches)  # no batch goes past it
        if reached and _holds(resume, batches[:1], truth):
            known, entries = place, here
            yield Site(by_unit[unit], partial(resume, batches))
        else:
            yield Site(by_unit[unit], partial(whole, batches))
    if "" in by_unit:
        yield Site(by_unit[""], partial(whole, batches))


def _structures_by_unit(anatomy: Anatomy) -> dict[str, tuple[Structure, ...]]:
    """The structures of each unit; those of none (a module that runs twice) stand under ""."""
    found: dict[str, tuple[Structure, ...]] = {}
    everything: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
    for structure in everything:
        name = structure.name if isinstance(structure, Layer) else structure.block
        inside = (unit for unit in anatomy.units if f"{name}.".startswith(f"{unit}."))
        unit = next(inside, "")
        found[unit] = (*found.get(unit, ()), structure)
    return found


def _entries(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    shapes: list[dict[str, Any]],
    known: int,
    entries: list[Tensor] | None,
    wanted: int,
) -> list[Tensor]:
    """The input of unit number `wanted` for each batch, from the inputs of unit `known`."""
    caught: list[Tensor] = []

    def catch(module: nn.Module, args: Any, kwargs: Any) -> None:
        caught.append(first_tensor(args, kwargs)[1].clone())
        raise _ArrivedError

    module = model.get_submodule(anatomy.units[wanted])
    for i, batch in enumerate(batches):
        handle = module.register_forward_pre_hook(catch, with_kwargs=True)
        try:
            entry = None if entries is None else entries[i]
            with _inferring(model), _resumed(model, anatomy, known, entry, shapes[i]):
                forward(model, batch.inputs)
        except _ArrivedError:
            pass
        finally:
            handle.remove()
    return caught


def _resumer(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    shapes: list[dict[str, Any]],
    place: int,
    entries: list[Tensor],
) -> Callable[[Sequence[Batch]], Outputs]:
    def resume(some: Sequence[Batch]) -> Outputs:
        parts = []
        for i, batch in enumerate(some):
            with _inferring(model), _resumed(model, anatomy, place, entries[i], shapes[i]):
                parts.append(_observed(model, anatomy.head, batch))
        return _joined(parts)

    return resume


def _from_the_start(model: nn.Module, anatomy: Anatomy) -> Callable[[Sequence[Batch]], Outputs]:
    def whole(some: Sequence[Batch]) -> Outputs:
        with _inferring(model):
            return _joined([_observed(model, anatomy.head, batch) for batch in some])

    return whole


def _holds(
    resume: Callable[[Sequence[Batch]], Outputs], some: Sequence[Batch], truth: Outputs
) -> bool:
    """Whether `resume` gives the very outputs of the whole pass, rather than others or an error."""
    try:
        found = resume(some)
    except Exception:
        return False
    return torch.equal(found.logits, truth.logits) and torch.equal(found.features, truth.features)


@contextmanager
def _resumed(
    model: nn.Module, anatomy: Anatomy, place: int, entry: Tensor | None, shapes: dict[str, Any]
) -> Iterator[None]:
    """While this lasts, units before number `place` give zeros of the right shape, and the unit
    there gets `entry` as its input."""
    if entry is None or place < 0:
        yield
        return

    def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
        return with_first_tensor(args, kwargs, entry.clone())  # it may be changed in place

    with ExitStack() as stack:
        for unit in anatomy.units[:place]:
            if unit in shapes:
                stack.enter_context(_skipped(model.get_submodule(unit), shapes[unit]))
        here = model.get_submodule(anatomy.units[place])
        stack.callback(here.register_forward_pre_hook(enter, with_kwargs=True).remove)
        yield


@contextmanager
def _skipped(module: nn.Module, shape: Any) -> Iterator[None]:
    had = module.__dict__.get("forward")
    module.forward = lambda *args, **kwargs: _filled(shape)
    try:
        yield
    finally:
        if had is None:
            del module.forward
        else:
            module.forward = had


def _output_shapes(model: nn.Module, anatomy: Anatomy, batch: Batch) -> dict[str, Any]:
    """What each unit gives for `batch`, as tensors without data of their own."""
    shapes: dict[str, Any] = {}

    def note(name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            shapes[name] = _shape(output)

        return hook

    handles = [
        model.get_submodule(unit).register_forward_hook(note(unit)) for unit in anatomy.units
    ]
    try:
        forward(model, batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def _shape(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.new_zeros(()).expand(output.shape)
    if type(output) in (tuple, list):
        return type(output)(_shape(item) for item in output)
    return output


def _filled(shape: Any) -> Any:
    """Zeros of that `_shape`, with memory of their own: they may be changed in place."""
    if isinstance(shape, Tensor):
        return torch.zeros_like(shape, memory_format=torch.contiguous_format)
    if type(shape) in (tuple, list):
        return type(shape)(_filled(item) for item in shape)
    return shape


def _observed(model: nn.Module, head: str, batch: Batch) -> Outputs:
    features: list[Tensor] = []

    def look(module: nn.Module, args: Any, kwargs: Any) -> None:
        features.append(first_tensor(args, kwargs)[1])

    handle = model.get_submodule(head).register_forward_pre_hook(look, with_kwargs=True)
    try:
        logits = forward(model, batch.inputs)
    finally:
        handle.remove()
    if logits.ndim == 3:
        return Outputs(flattened(batch, logits), flattened(batch, features[-1]))
    return Outputs(logits, features[-1].flatten(1))


def _joined(parts: list[Outputs]) -> Outputs:
    if len(parts) == 1:
        return parts[0]
    return Outputs(torch.cat([p.logits for p in parts]), torch.cat([p.features for p in parts]))


@contextmanager
def _inferring(model: nn.Module) -> Iterator[None]:
    with torch.inference_mode(), evaluating(model):
        yield
