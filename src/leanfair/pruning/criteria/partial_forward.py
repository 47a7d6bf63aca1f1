"""Partial forward passes: evaluating a masked structure without recomputing what precedes it.

The units before a masked structure are unaffected by the mask. The input of the unit that contains
the structure is therefore cached, everything before it is skipped, and only the rest of the network
runs. The result is exact, which is verified for each unit before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.pruning.surgery.activations import (
    ArrivedError,
    Head,
    Outputs,
    batch_features,
    find_head,
    inferring,
    joined,
    observed,
)
from leanfair.pruning.surgery.modules import first_tensor, with_first_tensor
from leanfair.pruning.types import Anatomy, Layer, Structure


class Site(NamedTuple):
    """The structures of one unit, and a function that runs the network from that unit on."""

    structures: tuple[Structure, ...]
    run: Callable[[], Outputs]


Plans: TypeAlias = "dict[str, tuple[str, ...] | None]"
"""For each unit tried so far, the units to skip when a pass starts there; None if no choice gives
the outputs of the whole pass."""


class _Start(NamedTuple):
    """Where a partial pass starts: at unit number `place`, with its cached input for each batch in
    `entries`. The earlier units `skipped` return zeros of the right shape."""

    place: int
    skipped: tuple[str, ...]
    entries: list[Tensor]


def head_known(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> Head:
    """The head of `model`: what `anatomy` knows of it, else looked for."""
    if anatomy.found_head is not None:
        return Head(*anatomy.found_head)
    return find_head(model, batches[0], anatomy.head)


def sites(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], *, logits: bool = True
) -> Iterator[Site]:
    """The structures of `model`, unit by unit, each with a function `run` that returns the outputs
    of the network over `batches` and computes only from that unit on. Mask a structure of the unit
    (`surgery.masking.masked`) before calling it. Without `logits` the head is not run, and the
    returned logits are empty, [n, 0]."""
    head = None if logits else head_known(model, anatomy, batches)
    return _Walk(model, anatomy, batches, head, {}).sites()


def sites_by_batch(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], plans: Plans | None = None
) -> Iterator[tuple[Outputs, Iterator[Site]]]:
    """For each batch, the outputs of the whole network and its `sites`; the logits of one batch at
    a time are in memory. Which units can be skipped is determined on the first batch alone, or
    taken from `plans`, where what is found is put down."""
    plans = {} if plans is None else plans
    for batch in batches:
        walk = _Walk(model, anatomy, [batch], None, plans)
        whole = walk.begin()
        yield whole, walk.sites(whole)


@dataclass
class _Walk:
    """A pass through the units of a network. `head`: None if logits are wanted. `shapes`: for each
    batch, the outputs of each unit without data."""

    model: nn.Module
    anatomy: Anatomy
    batches: Sequence[Batch]
    head: Head | None
    plans: Plans
    shapes: list[dict[str, Any]] = field(default_factory=list)

    def sites(self, truth: Outputs | None = None) -> Iterator[Site]:
        """The sites of all units. `truth`: the result of `begin`, if that was called before."""
        by_unit = _structures_by_unit(self.anatomy)
        truth = truth or self.begin()
        known: _Start | None = None
        for place, unit in enumerate(self.anatomy.units):
            if unit not in by_unit:
                continue
            start = self._start(known, place, set(by_unit), truth)
            known = start or known
            yield Site(by_unit[unit], partial(self.run, start))
        if "" in by_unit:
            yield Site(by_unit[""], partial(self.run, None))

    def begin(self) -> Outputs:
        """Run every batch once and record the shapes; returns the outputs for the first batch."""
        truth: Outputs | None = None
        for batch in self.batches:
            with inferring(self.model), _noted(self.model, self.anatomy) as shapes:
                outputs = self._outputs(batch)
            truth = truth or outputs
            self.shapes.append(shapes)
        assert truth is not None, "there is at least one batch"
        return truth

    def run(self, start: _Start | None, *, first: bool = False) -> Outputs:
        """The outputs over all batches (or, with `first`, the first), computed from `start` on."""
        parts = []
        for i, batch in enumerate(self.batches[:1] if first else self.batches):
            with inferring(self.model), self._resumed(start, i):
                parts.append(self._outputs(batch))
        return joined(parts)

    def _outputs(self, batch: Batch) -> Outputs:
        if self.head is None:
            return observed(self.model, self.anatomy.head, batch)
        features = batch_features(self.model, self.head, batch)
        return Outputs(features.new_zeros(len(features), 0), features)

    def _start(
        self, known: _Start | None, place: int, blocks: set[str], truth: Outputs
    ) -> _Start | None:
        """A start at unit number `place` that reproduces the outputs `truth` of the whole pass
        exactly; None if there is none. `known`: an earlier start, to compute its inputs from."""
        units = self.anatomy.units
        unit, before = units[place], units[:place]
        if unit in self.plans and self.plans[unit] is None:
            return None
        entries = self._entries(known, place)
        if len(entries) < len(self.batches):  # some batch does not run this unit
            return None
        plan = self.plans.get(unit)
        if plan is not None:
            return _Start(place, plan, entries)
        # Units other than blocks may be used again later, such as rotary embeddings: what held for
        # the unit before is most likely to hold again.
        choices = list(dict.fromkeys((before, tuple(name for name in before if name in blocks))))
        if known and known.skipped and not set(known.skipped) >= set(before[: known.place]):
            choices.reverse()
        for skipped in choices:
            start = _Start(place, skipped, entries)
            if self._holds(start, truth):
                self.plans[unit] = skipped
                return start
        self.plans[unit] = None
        return None

    def _holds(self, start: _Start, truth: Outputs) -> bool:
        try:
            outputs = self.run(start, first=True)
        except FORWARD_ERRORS as error:
            raise_if_out_of_memory(error)
            return False
        same = torch.equal(outputs.logits, truth.logits)
        return same and torch.equal(outputs.features, truth.features)

    def _entries(self, known: _Start | None, place: int) -> list[Tensor]:
        """The input of unit number `place` for each batch that runs it."""
        caught: list[Tensor] = []

        def catch(module: nn.Module, args: Any, kwargs: Any) -> None:
            caught.append(first_tensor(args, kwargs)[1].clone())
            raise ArrivedError

        module = self.model.get_submodule(self.anatomy.units[place])
        for i, batch in enumerate(self.batches):
            handle = module.register_forward_pre_hook(catch, with_kwargs=True)
            try:
                with inferring(self.model), self._resumed(known, i):
                    forward(self.model, batch.inputs)
            except ArrivedError:
                pass
            finally:
                handle.remove()
        return caught

    @contextmanager
    def _resumed(self, start: _Start | None, i: int) -> Iterator[None]:
        """Within the context, a pass of batch number `i` starts at `start`."""
        if start is None:
            yield
            return
        entry = start.entries[i]

        def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
            return with_first_tensor(args, kwargs, entry.clone())  # it may be changed in place

        with ExitStack() as stack:
            for unit in start.skipped:
                if unit in self.shapes[i]:
                    skipped = _skipped(self.model.get_submodule(unit), self.shapes[i][unit])
                    stack.enter_context(skipped)
            here = self.model.get_submodule(self.anatomy.units[start.place])
            stack.callback(here.register_forward_pre_hook(enter, with_kwargs=True).remove)
            yield


def _structures_by_unit(anatomy: Anatomy) -> dict[str, tuple[Structure, ...]]:
    """The structures by unit; those in none (in a module that runs twice) under the name ""."""
    by_unit: dict[str, tuple[Structure, ...]] = {}
    everything: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
    for structure in everything:
        name = structure.name if isinstance(structure, Layer) else structure.block
        inside = (unit for unit in anatomy.units if f"{name}.".startswith(f"{unit}."))
        unit = next(inside, "")
        by_unit[unit] = (*by_unit.get(unit, ()), structure)
    return by_unit


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


@contextmanager
def _noted(model: nn.Module, anatomy: Anatomy) -> Iterator[dict[str, Any]]:
    """Record the outputs of each unit within the context, as tensors without data."""
    shapes: dict[str, Any] = {}

    def note(name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            shapes[name] = _shape(output)

        return hook

    handles = [
        model.get_submodule(unit).register_forward_hook(note(unit)) for unit in anatomy.units
    ]
    try:
        yield shapes
    finally:
        for handle in handles:
            handle.remove()


def _shape(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.new_zeros(()).expand(output.shape)
    if type(output) in (tuple, list):
        return type(output)(_shape(item) for item in output)
    return output


def _filled(shape: Any) -> Any:
    """Zeros of that `_shape`, in new memory, since they may be changed in place."""
    if isinstance(shape, Tensor):
        return torch.zeros_like(shape, memory_format=torch.contiguous_format)
    if type(shape) in (tuple, list):
        return type(shape)(_filled(item) for item in shape)
    return shape
