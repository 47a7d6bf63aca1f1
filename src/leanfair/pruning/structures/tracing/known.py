"""What is known of the channels of modules from passes in which many of them were marked."""

from __future__ import annotations

from collections.abc import Mapping, Set
from math import gcd
from typing import TypeAlias

from torch import nn
from torch.nn.modules.conv import _ConvNd

from leanfair.pruning.structures.tracing.dependency import Marked, Trace, Tracer
from leanfair.pruning.structures.tracing.kinds import Kinds, renamed, trace_renamed
from leanfair.pruning.structures.tracing.passes import Passes
from leanfair.pruning.structures.tracing.together import Part, Together
from leanfair.pruning.surgery.modules import dense_weight
from leanfair.pruning.types import Side

TRIALS = 2
"""Random halves of the neurons that are traced to verify the order of their positions."""

FEW = 12
"""So many modules have a pass for each."""

Told: TypeAlias = "dict[str, tuple[Trace, list[Part]]]"
"""By the name of a module the trace of its channels, and random halves of its neurons with the
positions that depend on them."""


class Known:
    """What passes with many marked modules tell of some modules. Blocks of one kind are run once,
    for all of them."""

    def __init__(self, kinds: Kinds, homes: Mapping[str, str], residual: Set[str]) -> None:
        """`homes`: the modules, each with the block around it, "" where there is none."""
        self._tracer = kinds.tracer
        self._residual = residual
        self._told: Told = {}
        for home in dict.fromkeys(homes.values()):
            names = [name for name in homes if homes[name] == home and self._tracer.runs_once(name)]
            first = home in residual
            inside = tuple(name[len(home) :] for name in names)

            def found(scope: str, first: bool = first, inside: tuple[str, ...] = inside) -> Told:
                return self._found(scope, [f"{scope}{name}" for name in inside], first)

            told: Told = kinds.once(f"channels {first} {inside}", home, found, _renamed)
            self._told |= told

    def of(self, name: str) -> tuple[Trace, list[Part]] | None:
        """What is known of the channels of module `name`."""
        return self._told.get(name)

    def _found(self, scope: str, names: list[str], first: bool) -> Told:
        tracer = self._tracer
        widths = {name: width(tracer.modules[name]) for name in names}
        passes = Passes(tracer, scope, () if scope else self._residual, first)
        together = Together(passes, widths, FEW)
        counts = {
            name: gcd(widths[name], *removable(tracer, trace.marked).values())
            for name, trace in together.traces.items()
            if not trace.escape and any(side == "in" for _, side in trace.marked)
        }
        several = {name: count for name, count in counts.items() if count > 1}
        parts = together.halves(several, TRIALS)
        return {
            name: (trace, parts.get(name, []))
            for name, trace in together.traces.items()
            if name not in several or name in parts
        }


def _renamed(told: Told, was: str, now: str) -> Told:
    return {
        renamed(name, was, now): (
            trace_renamed(trace, was, now),
            [(some, trace_renamed(Trace(marked), was, now).marked) for some, marked in parts],
        )
        for name, (trace, parts) in told.items()
    }


def removable(tracer: Tracer, whole: Marked) -> dict[tuple[str, Side], int]:
    """How many of the positions at each place can be removed by themselves."""
    return {
        (name, side): int(positions.sum()) // unit(tracer.modules[name], side)
        for (name, side), positions in whole.items()
    }


def width(module: nn.Module) -> int:
    """The number of outputs of a dense module."""
    return module.out_channels if isinstance(module, _ConvNd) else dense_weight(module).shape[0]


def unit(module: nn.Module, side: Side) -> int:
    """How many neighbouring outputs of `module` can only be removed together: those of one group of
    a grouped convolution."""
    if side == "both" and isinstance(module, _ConvNd):
        return module.out_channels // module.groups
    return 1
