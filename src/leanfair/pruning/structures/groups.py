"""Groups of neurons under construction, and how two of them whose channels meet become one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from leanfair.pruning.structures.tracing.dependency import Stains
from leanfair.pruning.structures.tracing.layout import Run
from leanfair.pruning.types import Member, Neurons, Side

Place: TypeAlias = "tuple[str, Side]"


class RefusedError(Exception):
    """Why something that looked like neurons is none, and where its channels go for all that."""

    def __init__(self, why: str, stains: Stains | None = None) -> None:
        super().__init__(why)
        self.stains = stains or {}


@dataclass(frozen=True)
class Group:
    """`count` neurons and the runs of positions that they own in each module and side."""

    name: str
    block: str
    count: int
    spans: dict[Place, tuple[Run, ...]]

    def neurons(self) -> Neurons:
        """The finished group."""
        members = tuple(
            Member(module, side, run.offset, run.repeat)
            for (module, side), found in self.spans.items()
            for run in found
        )
        return Neurons(self.name, self.block, self.count, members)

    def touches(self, stains: Stains) -> bool:
        """Whether some of its positions are dyed."""
        return any(
            bool(stains[place][run.offset : run.stop(self.count)].any())
            for place in self.spans.keys() & stains.keys()
            for run in self.spans[place]
        )


def meet(one: Group, other: Group) -> bool:
    """Whether some position belongs to both groups."""
    return any(
        _overlap(run, one.count, more, other.count)
        for place in one.spans.keys() & other.spans.keys()
        for run in one.spans[place]
        for more in other.spans[place]
    )


def joined(one: Group, other: Group) -> Group:
    """Both groups as one, under the name of the first. Raises RefusedError where their neurons do
    not lie one to one."""
    small = min(one.count, other.count)
    if one.count % small or other.count % small:
        raise RefusedError(f"the channels of {one.name} and {other.name} do not lie one to one")
    spans: dict[Place, tuple[Run, ...]] = {}
    for group in (_coarser(one, small), _coarser(other, small)):
        for place, found in group.spans.items():
            there = spans.get(place, ())
            for run in found:
                if any(run != had and _overlap(run, small, had, small) for had in there):
                    raise RefusedError(f"the channels of {one.name} and {other.name} are mixed")
            spans[place] = tuple(dict.fromkeys((*there, *found)))
    return replace(one, count=small, spans=spans)


def _coarser(group: Group, count: int) -> Group:
    """The same group with its neurons in bundles, so that there are `count`."""
    factor = group.count // count
    spans = {
        place: tuple(Run(run.offset, run.repeat * factor) for run in found)
        for place, found in group.spans.items()
    }
    return replace(group, count=count, spans=spans)


def _overlap(run: Run, count: int, other: Run, others: int) -> bool:
    return run.offset < other.stop(others) and other.offset < run.stop(count)
