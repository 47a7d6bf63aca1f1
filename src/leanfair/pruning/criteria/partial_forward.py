"""Running a network again with one structure masked, without paying again for what came before it.

The blocks before a masked structure give what they gave without the mask. So their outputs need not
be computed: the input of the structure's own block is kept, everything earlier is skipped, and only
the rest of the network runs. That is exact, and is checked on each block before it is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
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
    """A place to run from: the structures of one unit, and a function that runs the rest."""

    structures: tuple[Structure, ...]
    run: Callable[[], Outputs]


class _Start(NamedTuple):
    """Where a pass is taken up: unit number `place`, whose input for each batch is in `entries`.
    The units `skipped`, all of them before it, give zeros of the right shape."""

    place: int
    skipped: tuple[str, ...]
    entries: list[Tensor]


def sites(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], *, logits: bool = True
) -> Iterator[Site]:
    """The structures of `model` unit by unit, each with a way to get the whole network's outputs
    over `batches` that computes only from that unit on. Mask what you like inside the unit (see
    `masks.masked`), then call `run`. Without `logits` only the features are of interest: the logits
    are then empty, [n, 0], and the head need not run."""
    head = None if logits else find_head(model, batches[0], anatomy.head)
    return _Walk(model, anatomy, batches, head, {}).sites()


def sites_by_batch(
    model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]
) -> Iterator[tuple[Outputs, Iterator[Site]]]:
    """For one batch after the other, the outputs of the whole network and the `sites`: no more is
    ever held than the logits of one batch, with and without a mask. Where the network can be taken
    up is tried on the first batch alone."""
    plans: dict[str, tuple[str, ...] | None] = {}
    for batch in batches:
        walk = _Walk(model, anatomy, [batch], None, plans)
        whole = walk.begin()
        yield whole, walk.sites(whole)


@dataclass
class _Walk:
    """A walk through the units of a network. `head` is None where the logits are wanted. `plans`
    has, for each unit that was tried, the units that are skipped when a pass is taken up there;
    None where that does not give the outputs of the whole pass."""

    model: nn.Module
    anatomy: Anatomy
    batches: Sequence[Batch]
    head: Head | None
    plans: dict[str, tuple[str, ...] | None]
    shapes: list[dict[str, Any]] = field(default_factory=list)

    def sites(self, truth: Outputs | None = None) -> Iterator[Site]:
        """`truth` is what `begin` gave, where that was done."""
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
        """Go through every batch, to note the shapes; the outputs for the first one."""
        truth: Outputs | None = None
        for batch in self.batches:
            with inferring(self.model), _noted(self.model, self.anatomy) as shapes:
                found = self._outputs(batch)
            truth = truth or found
            self.shapes.append(shapes)
        assert truth is not None, "there is at least one batch"
        return truth

    def run(self, start: _Start | None, *, first: bool = False) -> Outputs:
        """The outputs over all batches, or over the first one, computed from `start` on."""
        parts = []
        for i, batch in enumerate(self.batches[:1] if first else self.batches):
            with inferring(self.model), self._resumed(start, i):
                parts.append(self._outputs(batch))
        return joined(parts)

    def _outputs(self, batch: Batch) -> Outputs:
        if self.head is None:
            return observed(self.model, self.anatomy.head, batch)
        found = batch_features(self.model, self.head, batch)
        return Outputs(found.new_zeros(len(found), 0), found)

    def _start(
        self, known: _Start | None, place: int, blocks: set[str], truth: Outputs
    ) -> _Start | None:
        """A start at unit number `place` that gives the very outputs of the whole pass; None where
        there is none. `known` is one before it."""
        units = self.anatomy.units
        unit, before = units[place], units[:place]
        if unit in self.plans and self.plans[unit] is None:
            return None
        entries = self._entries(known, place)
        if len(entries) < len(self.batches):  # a batch goes past it
            return None
        plan = self.plans.get(unit)
        if plan is not None:
            return _Start(place, plan, entries)
        # What is no block may be needed again later, as positions are that each block turns by.
        for skipped in dict.fromkeys((before, tuple(name for name in before if name in blocks))):
            start = _Start(place, skipped, entries)
            if self._holds(start, truth):
                self.plans[unit] = skipped
                return start
        self.plans[unit] = None
        return None

    def _holds(self, start: _Start, truth: Outputs) -> bool:
        try:
            found = self.run(start, first=True)
        except Exception:
            return False
        same = torch.equal(found.logits, truth.logits)
        return same and torch.equal(found.features, truth.features)

    def _entries(self, known: _Start | None, place: int) -> list[Tensor]:
        """The input of unit number `place` for each batch that comes by."""
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
        """While this lasts, a pass of batch number `i` is taken up at `start`."""
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
    """The structures of each unit; those of none (a module that runs twice) stand under ""."""
    found: dict[str, tuple[Structure, ...]] = {}
    everything: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
    for structure in everything:
        name = structure.name if isinstance(structure, Layer) else structure.block
        inside = (unit for unit in anatomy.units if f"{name}.".startswith(f"{unit}."))
        unit = next(inside, "")
        found[unit] = (*found.get(unit, ()), structure)
    return found


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
    """What each unit gives in a pass while this lasts, as tensors without data of their own."""
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
    """Zeros of that `_shape`, with memory of their own: they may be changed in place."""
    if isinstance(shape, Tensor):
        return torch.zeros_like(shape, memory_format=torch.contiguous_format)
    if type(shape) in (tuple, list):
        return type(shape)(_filled(item) for item in shape)
    return shape
