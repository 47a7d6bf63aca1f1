"""Passes of a part of a network in which several modules are marked, and what arrives where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.pruning.structures.tracing.dependency import Marked, Tracer
from leanfair.pruning.structures.tracing.markers import NAN, clear_inputs
from leanfair.pruning.structures.tracing.recording import (
    Answer,
    Answering,
    Call,
    again,
    handles,
    mapped,
    tensors,
)
from leanfair.pruning.surgery.modules import feature_dim
from leanfair.pruning.types import Side


class Seen(NamedTuple):
    """What some passes show. `marked`: the positions at which the marker arrives, bool [passes,
    features] by module and side. `left`: whether it leaves the part of the network, `stopped`:
    whether it arrives where it cannot be followed, both bool [passes]."""

    marked: Marked
    left: Tensor
    stopped: Tensor


class Passes:
    """A module of a network, or "" for all of it, which is run with channels of several modules
    inside it marked. The marker is stopped where it enters one of the residual blocks in it."""

    def __init__(self, tracer: Tracer, scope: str, residual: Collection[str], first: bool) -> None:
        """`residual`: names of the residual blocks inside `scope`. `first`: only the first output
        of `scope` counts."""
        self.place = tracer.place
        self._tracer = tracer
        self._scope = scope
        self._residual = residual
        self._first = first

    def run(self, rows: Mapping[str, Tensor]) -> Seen | None:
        """Some passes, each with other channels of the modules marked, `rows`, bool [passes,
        channels]: as one batch where the samples of a batch stay apart, else one by one. None where
        the network fails on the marker."""
        number = max(map(len, rows.values()), default=0)
        call = self._tracer.recording.calls[self._scope]
        if number > 1 and _is_batch_of_one(call):
            seen = self._run(_repeated(call, number + 1), rows, number)
            if seen is not None:
                return seen
        parts = [
            self._run(call, {name: some[i : i + 1] for name, some in rows.items()}, 1)
            for i in range(number)
        ]
        told = [part for part in parts if part is not None]
        return _joined(told) if told and len(told) == number else None

    def _run(self, call: Call, rows: Mapping[str, Tensor], number: int) -> Seen | None:
        tracer = self._tracer
        watch = _Watch(tracer, number)
        with handles() as held, torch.no_grad():
            answering = self._answering()
            held += answering.values()
            for name in tracer.weighted(self._scope):
                held += watch.reader(name, answering.get(name))
            held += [watch.source(name, some) for name, some in rows.items() if some.any()]
            held += [watch.wall(block) for block in self._residual]
            try:
                out = again(tracer.modules[self._scope], call)
                left = watch.arrivals(next(tensors(out), None) if self._first else out)
            except _MixedError:
                return None
            except FORWARD_ERRORS as error:
                raise_if_out_of_memory(error)
                return None
        return Seen(watch.marked, left, watch.stopped)

    def _answering(self) -> dict[str, Answering]:
        """What keeps modules from running: nothing is marked behind a wall or a module that reads
        all its channels, and values do not matter."""
        tracer = self._tracer
        held = tracer.answering(self._scope)
        for name in self._residual:
            call = tracer.recording.calls[name]
            if call.keeps_shape and tracer.runs_once(name):
                x = next(tensors([call.args, call.kwargs]))
                held[name] = Answering(tracer.modules[name], Answer(x.shape, x))
        return held


class _MixedError(Exception):
    """The samples of a batch do not stay apart."""


class _Watch:
    """The hooks of one run, and what they see."""

    def __init__(self, tracer: Tracer, number: int) -> None:
        """`number`: how many passes are run as one batch, whose last sample is not marked: what is
        marked there all the same was mixed up. A single pass is no batch."""
        self._tracer = tracer
        self._number = number
        self.marked: Marked = {}
        self.stopped = torch.zeros(number, dtype=torch.bool)

    def source(self, name: str, rows: Tensor) -> Any:
        """Mark the channels `rows` of module `name`."""
        module = self._tracer.modules[name]
        dim = feature_dim(module)

        def hook(module: Any, args: Any, output: Tensor) -> Tensor:
            apart = self._number > 1
            if apart and len(output) != self._number + 1:
                raise _MixedError
            where = torch.cat([rows, rows[:1] & False]) if apart else rows
            shape = [1] * output.ndim
            shape[dim], shape[0 if apart else dim] = rows.shape[1], len(where) if apart else -1
            chosen = where.reshape(shape).to(output.device)
            return output.masked_fill(chosen, NAN.value(output.dtype))

        return module.register_forward_hook(hook)

    def reader(self, name: str, answering: Answering | None) -> list[Any]:
        """Note where the marker enters a module with weights, and stop it there if the module
        combines its channels: where it is `answering`, it does not look at them."""
        module, kind = self._tracer.modules[name], self._tracer.roles[name].kind
        if kind == "single":
            return []

        def gives(module: Any, args: Any, output: Tensor) -> None:
            if NAN.found_in(output):
                self._note(name, "both", output)

        def reads(module: Any, args: Any, kwargs: Any) -> Any:
            if not NAN.found_in([args, kwargs]):
                return None
            if kind == "closed":
                self.stopped |= self.arrivals([args, kwargs])
            else:
                side: Side = "in" if kind == "dense" else "both"
                self._note(name, side, next(tensors([args, kwargs])))
            stopped = answering is not None and answering.fits(args, kwargs)
            if kind == "channelwise" or stopped:
                return None
            return clear_inputs(module, args, kwargs)

        if kind == "grouped":  # whole groups are removed: noted at the output
            return [module.register_forward_hook(gives)]
        return [module.register_forward_pre_hook(reads, with_kwargs=True)]

    def wall(self, block: str) -> Any:
        """Stop the marker where it enters `block`."""

        def enters(module: Any, args: Any, kwargs: Any) -> Any:
            if not NAN.found_in([args, kwargs]):
                return None
            self.stopped |= self.arrivals([args, kwargs])
            return clear_inputs(module, args, kwargs)

        return self._tracer.modules[block].register_forward_pre_hook(enters, with_kwargs=True)

    def arrivals(self, value: Any) -> Tensor:
        """In which passes any tensor in `value` carries the marker, bool [passes]."""
        found = torch.zeros(self._number, dtype=torch.bool)
        for tensor in tensors(value):
            if NAN.found_in(tensor):
                found |= self._each(NAN.mask(tensor)).flatten(1).any(1).cpu()
        return found

    def _note(self, name: str, side: Side, value: Tensor) -> None:
        if not self._tracer.runs_once(name):  # each call would have to be looked at alone
            self.stopped |= self.arrivals(value)
            return
        dim = feature_dim(self._tracer.modules[name]) % value.ndim
        dims = (dim,) if self._number == 1 or dim == 0 else (0, dim)
        self.marked[name, side] = self._each(NAN.along(value, *dims))

    def _each(self, mask: Tensor) -> Tensor:
        """`mask` for each of the passes: [passes, ...]."""
        if self._number == 1:
            return mask[None]
        if mask.ndim < 2 or len(mask) != self._number + 1 or bool(mask[-1].any()):
            raise _MixedError
        return mask[:-1]


def _is_batch_of_one(call: Call) -> bool:
    """Whether all tensors in a call are those of one sample, or one for all of them."""
    return all(x.ndim > 0 and len(x) == 1 for x in tensors([call.args, call.kwargs]))


def _repeated(call: Call, times: int) -> Call:
    """`call` for a sample that is there several times."""

    def several(x: Tensor) -> Tensor:
        return x.expand(times, *x.shape[1:])

    return Call(mapped(call.args, several), mapped(call.kwargs, several), call.shape)


def _joined(parts: list[Seen]) -> Seen:
    """Passes that were run one by one, together."""
    places: dict[tuple[str, Side], Tensor] = {
        place: torch.zeros_like(where) for part in parts for place, where in part.marked.items()
    }
    return Seen(
        {
            place: torch.cat([part.marked.get(place, none) for part in parts])
            for place, none in places.items()
        },
        torch.cat([part.left for part in parts]),
        torch.cat([part.stopped for part in parts]),
    )
