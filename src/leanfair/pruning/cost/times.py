"""How long a network takes after a cut, predicted from measured times of its blocks.

The time of a network is that of its blocks and of the rest. A block takes its full time, times what
each of its groups of neurons leaves of it: the measured time at the width that it has, over that at
its full width. For parts that do not touch each other (attention and MLP of a layer) the product
promises a little less than is saved, and never more than there is. Times are whole nanoseconds, so
that they add up and compare exactly, as MACs do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from leanfair.pruning.types import NeuronCut

SECOND = 1_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True)
class Curve:
    """The nanoseconds that a block takes (`times`, never falling) with a number of neurons of one
    group (`widths`, rising)."""

    widths: tuple[int, ...]
    times: tuple[int, ...]

    def at(self, width: int) -> float:
        """The time at `width`, on a straight line between those that were measured."""
        place = bisect_left(self.widths, width)
        if place == 0 or place == len(self.widths):
            return float(self.times[min(place, len(self.times) - 1)])
        left, right = self.widths[place - 1], self.widths[place]
        low, high = self.times[place - 1], self.times[place]
        return low + (high - low) * (width - left) / (right - left)


@dataclass(frozen=True)
class Width:
    """A group of neurons of which `count` are left: the `block` that it is in ("" outside of all),
    and the `curve` that was measured there."""

    block: str
    curve: Curve
    count: int

    def saved(self) -> float:
        """Nanoseconds that its block takes less than at its full width."""
        return self.curve.times[-1] - self.curve.at(self.count)


@dataclass(frozen=True)
class Times:
    """The nanoseconds of each of the `blocks` at full width, and of the `rest` of the network, with
    the `widths` of its groups of neurons, by the names that they have now."""

    rest: int
    blocks: Mapping[str, int]
    widths: Mapping[str, Width] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The nanoseconds of a forward pass, predicted."""
        whole = {"": self.rest, **self.blocks}
        left = dict.fromkeys(whole, 1.0)
        for width in self.widths.values():
            full = whole[width.block]
            left[width.block] *= max(0.0, 1.0 - width.saved() / full) if full else 1.0
        return round(sum(whole[name] * share for name, share in left.items()))

    def without(self, layers: Iterable[str] = (), neurons: Iterable[NeuronCut] = ()) -> Times:
        """The times after blocks `layers` and `neurons` are removed."""
        gone = set(layers)
        blocks = {name: time for name, time in self.blocks.items() if name not in gone}
        widths = {name: each for name, each in self.widths.items() if each.block not in gone}
        for cut in neurons:
            had = widths.get(cut.group.name)
            if had is not None:  # else its time was not measured, and is not saved
                widths[cut.group.name] = replace(had, count=had.count - len(cut.drop))
        return Times(self.rest, blocks, widths)

    def renamed(self, now: Callable[[str], str]) -> Times:
        """The same times where module `name` is called `now(name)`."""
        return Times(
            self.rest,
            {now(name): time for name, time in self.blocks.items()},
            {
                now(name): replace(each, block=now(each.block) if each.block else "")
                for name, each in self.widths.items()
            },
        )
