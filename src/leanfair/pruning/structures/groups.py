"""Groups of neurons while they are assembled, and the merging of groups that share positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from leanfair.pruning.structures.tracing.dependency import Marked
from leanfair.pruning.structures.tracing.layout import Run
from leanfair.pruning.types import Member, Neurons, Side

Place: TypeAlias = "tuple[str, Side]"


class RefusedError(Exception):
    """Why channels cannot be removed as neurons, and the positions that depend on them."""

    def __init__(self, why: str, marked: Marked | None = None) -> None:
        super().__init__(why)
        self.marked = marked or {}


@dataclass(frozen=True)
class Group:
    """`count` neurons, and for each module and side the runs of positions that belong to them."""

    name: str
    block: str
    count: int
    spans: dict[Place, tuple[Run, ...]]

    def neurons(self) -> Neurons:
        """The finished group."""
        members = tuple(
            Member(module, side, run.offset, run.repeat)
            for (module, side), placed in self.spans.items()
            for run in placed
        )
        return Neurons(self.name, self.block, self.count, members)

    def touches(self, marked: Marked) -> bool:
        """Whether any of its positions is in `marked`."""
        return any(
            bool(marked[place][run.offset : run.stop(self.count)].any())
            for place in self.spans.keys() & marked.keys()
            for run in self.spans[place]
        )


def meet(group: Group, other: Group) -> bool:
    """Whether some position belongs to both groups."""
    return any(
        _overlap(run, group.count, run_of_other, other.count)
        for place in group.spans.keys() & other.spans.keys()
        for run in group.spans[place]
        for run_of_other in other.spans[place]
    )


def joined(group: Group, other: Group) -> Group:
    """Both groups as one, under the name of the first. Raises RefusedError if their neurons do not
    correspond one to one."""
    small = min(group.count, other.count)
    if group.count % small or other.count % small:
        raise RefusedError(f"the channels of {group.name} and {other.name} do not lie one to one")
    spans: dict[Place, tuple[Run, ...]] = {}
    for part in (_coarser(group, small), _coarser(other, small)):
        for place, placed in part.spans.items():
            placed_before = spans.get(place, ())
            for run in placed:
                if any(
                    run != other_run and _overlap(run, small, other_run, small)
                    for other_run in placed_before
                ):
                    raise RefusedError(f"the channels of {group.name} and {other.name} are mixed")
            spans[place] = tuple(dict.fromkeys((*placed_before, *placed)))
    return replace(group, count=small, spans=spans)


def _coarser(group: Group, count: int) -> Group:
    """The same group with neighbouring neurons combined, so that `count` are left."""
    factor = group.count // count
    spans = {
        place: tuple(Run(run.offset, run.repeat * factor) for run in placed)
        for place, placed in group.spans.items()
    }
    return replace(group, count=count, spans=spans)


def _overlap(run: Run, count: int, other: Run, others: int) -> bool:
    return run.offset < other.stop(others) and other.offset < run.stop(count)
