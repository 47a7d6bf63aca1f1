"""Modules of one kind: what tracing finds in one of them, it finds in all.

Where the marker arrives is decided by the code that runs, by the settings and shapes of the modules
that it runs on, and by the shapes of what they are called with, but not by weights.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cache
from itertools import islice, takewhile
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from leanfair.pruning.structures.tracing.dependency import Trace, Tracer
from leanfair.pruning.types import Neurons

Found = TypeVar("Found")

_VARYING = ("layer_idx", "layer_id", "layer_number", "drop")
"""Parts of names of settings that may differ: the number of a layer, and what training alone
heeds."""

_PLAIN = (bool, int, float, str, type, torch.dtype, torch.device, type(None))


class Kinds:
    """The modules of a network by their kind."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._names = list(tracer.modules)
        self._number = {name: i for i, name in enumerate(self._names)}
        self._first: dict[Hashable, str] = {}
        self._firsts: dict[str, str] = {}
        self._known: dict[tuple[str, str], Any] = {}
        self._settings = cache(lambda name: _settings(tracer.modules[name]))

    def first(self, name: str) -> str:
        """The first module that was asked about of those of the kind of module `name`."""
        if name not in self._firsts:
            self._firsts[name] = self._first.setdefault(self._key(name), name)
        return self._firsts[name]

    def once(
        self,
        what: str,
        name: str,
        find: Callable[[str], Found],
        told: Callable[[Found, str, str], Found],
    ) -> Found:
        """What `find` finds of module `name`: found once for each kind, and `told` for another of
        its modules. `what` names it."""
        first = self.first(name)
        if (what, first) not in self._known:
            self._known[what, first] = find(first)
        known: Found = self._known[what, first]
        return known if name == first else told(known, first, name)

    def _key(self, name: str) -> Hashable:
        tracer, root = self.tracer, len(name) + 1
        call = tracer.recording.calls.get(name)
        if not name or call is None:
            return name
        after = islice(self._names, self._number[name] + 1, None)  # what is inside comes first
        inside = list(takewhile(lambda key: key.startswith(f"{name}."), after))
        parts = tuple(
            (key[root:], self._settings(key), tracer.roles[key], times)
            for key in inside
            for times in [tracer.recording.times[key]]
        )
        ran = sorted(filter(tracer.place.get, inside), key=tracer.place.__getitem__)
        order = tuple(key[root:] for key in ran)
        return self._settings(name), parts, order, _shape(call.args), _shape(call.kwargs)


def renamed(name: str, was: str, now: str) -> str:
    """What module `name` in the module `was` is called in the module `now`."""
    return now + name[len(was) :] if name == was or name.startswith(f"{was}.") else name


def trace_renamed(trace: Trace, was: str, now: str) -> Trace:
    """A trace through module `was`, told for module `now`."""
    marked = {(renamed(name, was, now), side): at for (name, side), at in trace.marked.items()}
    return trace._replace(marked=marked)


def group_renamed(group: Neurons, was: str, now: str) -> Neurons:
    """Neurons in module `was`, told for module `now`."""
    members = tuple(replace(one, module=renamed(one.module, was, now)) for one in group.members)
    block = renamed(group.block, was, now)
    return replace(group, name=renamed(group.name, was, now), block=block, members=members)


def _settings(module: nn.Module) -> Hashable:
    """The class of a module, what it holds beside other modules, and the shapes of its weights."""
    held = {**module._parameters, **module._buffers}
    return (
        type(module),
        _shape(held),
        tuple(
            (name, _shape(value))
            for name, value in vars(module).items()
            if name not in ("_parameters", "_buffers", "_modules")
            and not _varies(name)
            and not (name == "p" and type(module).__name__.startswith(("Drop", "StochasticDepth")))
        ),
    )


@cache
def _varies(setting: str) -> bool:
    return any(part in setting for part in _VARYING)


def _shape(value: Any) -> Hashable:
    """`value` with every tensor replaced by its shape, and what is not plain by its identity."""
    if isinstance(value, Tensor):
        return "tensor", tuple(value.shape), value.dtype
    if isinstance(value, (tuple, list, set)):
        return type(value), tuple(map(_shape, value))
    if isinstance(value, dict):
        return type(value), tuple((key, _shape(item)) for key, item in value.items())
    return value if isinstance(value, _PLAIN) else id(value)
