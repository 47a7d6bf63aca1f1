"""Dependency tracing of many modules in few passes.

A channel reaches what is computed from it and nothing else, so where several modules are marked at
once, the marked positions are the union of those of each. Every module has a code, a set of passes
in which it is marked; what a position depends on follows from the passes in which it is marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, count
from math import comb
from typing import TypeAlias

import torch
from torch import Tensor

from leanfair.pruning.structures.tracing.dependency import OUT, Marked, Trace
from leanfair.pruning.structures.tracing.layout import halves
from leanfair.pruning.structures.tracing.passes import Passes, Seen
from leanfair.pruning.types import Side

Code: TypeAlias = "frozenset[int]"
"""The passes in which a module is marked."""

Place: TypeAlias = "tuple[str, Side]"

Part: TypeAlias = "tuple[Tensor, Marked]"
"""Some of the neurons of a module, bool [neurons], and the positions that depend on them."""


class Together:
    """What depends on the output channels of each of some modules in a part of the network, where
    few passes tell. `traces`: by the name of a module, as `Tracer.trace` would find it; modules
    that have to be traced one by one are missing."""

    def __init__(self, passes: Passes, widths: Mapping[str, int], few: int) -> None:
        """`widths`: the modules, which run once, with the number of their channels. Up to `few` of
        them have a pass for each, by which they are told apart wherever they meet."""
        self._passes = passes
        self._widths = widths
        self._alone = len(widths) <= few
        self._codes = _codes(list(widths), self._alone)
        self._names = {code: name for name, code in self._codes.items()}
        self._number = 1 + max((max(code) for code in self._names), default=-1)
        rows = {
            name: torch.zeros(self._number, wide, dtype=torch.bool).index_fill(0, one, True)
            for name, wide in widths.items()
            for one in [torch.tensor(sorted(self._codes[name]))]
        }
        seen = passes.run(rows)
        self.traces = {} if seen is None else self._told_apart(seen)

    def halves(self, counts: Mapping[str, int], seeds: int) -> dict[str, list[Part]]:
        """For modules of `traces`, each with how many neurons its channels form, `seeds` random
        halves of these, with the positions that depend on them. Empty where passes contradict each
        other."""
        sets = self._disjoint(counts)
        chosen: dict[str, list[Tensor]] = {}
        rows = {}
        for i, (names, _) in enumerate(sets):
            for name in names:
                wide, many = self._widths[name], counts[name]
                chosen[name] = [halves(many, seed) for seed in range(seeds)]
                rows[name] = torch.zeros(seeds * len(sets), wide, dtype=torch.bool)
                for seed, half in enumerate(chosen[name]):
                    rows[name][seeds * i + seed] = half.repeat_interleave(wide // many)
        seen = self._passes.run(rows)
        parts: dict[str, list[Part]] = {}
        for i, (names, whole) in enumerate(sets):
            for seed in range(seeds):
                here = {} if seen is None else _of_pass(seen, seeds * i + seed)
                if seen is None or not _within(here, whole):
                    return {}
                for name in names:
                    mine = _both(self.traces[name].marked, here)
                    parts.setdefault(name, []).append((chosen[name][seed], mine))
        return parts

    def _told_apart(self, seen: Seen) -> dict[str, Trace]:
        left = self._possible(_when(seen.left))
        doubtful = self._possible(_when(seen.stopped))
        marked: dict[str, Marked] = {name: {} for name in self._codes}
        for place in sorted(seen.marked, key=lambda place: self._passes.place[place[0]]):
            bits = sum(where.long() << i for i, where in enumerate(seen.marked[place]))
            assert isinstance(bits, Tensor)
            for value in set(bits.tolist()):
                passes = _when(value >> one & 1 for one in range(self._number))
                names = [self._names[passes]] if passes in self._names else self._possible(passes)
                if frozenset().union(*(self._codes[name] for name in names)) != passes:
                    return {}  # marked, and by none of them
                if len(names) > 1 and not self._alone:  # by some of them
                    doubtful += names
                for name in names:
                    before = marked[name].get(place, torch.zeros_like(bits, dtype=torch.bool))
                    marked[name][place] = before | (bits == value)
        if not self._alone:
            doubtful += left
        return {
            name: Trace(marked[name], escape=OUT if name in left else "")
            for name in self._codes
            if name not in doubtful
        }

    def _possible(self, passes: Code) -> list[str]:
        """The modules that were marked in no other passes than `passes`."""
        return [name for name, code in self._codes.items() if code <= passes]

    def _disjoint(self, names: Iterable[str]) -> list[tuple[list[str], Marked]]:
        """`names` in parts, in each of which no position depends on two of them, with all positions
        that depend on one."""
        found: list[tuple[list[str], Marked]] = []
        for name in names:
            mine = self.traces[name].marked
            fit = (part for part in found if not any(map(_any, _both(mine, part[1]).values())))
            part = next(fit, None)
            if part is None:
                part = [], {}
                found.append(part)
            part[0].append(name)
            for place, where in mine.items():
                part[1][place] = part[1].get(place, torch.zeros_like(where)) | where
        return found


def _codes(names: list[str], alone: bool) -> dict[str, Code]:
    """A code for each module: a pass of its own (`alone`), or as many passes for each, half of all
    of them. What several depend on is then marked in more passes than any code has."""
    if alone:
        return {name: frozenset((i,)) for i, name in enumerate(names)}
    length = next(n for n in count(1) if comb(n, n // 2) >= len(names))
    chosen = combinations(range(length), length // 2)
    return {name: frozenset(code) for name, code in zip(names, chosen, strict=False)}


def _when(happened: Iterable[object]) -> Code:
    return frozenset(i for i, each in enumerate(happened) if each)


def _of_pass(seen: Seen, number: int) -> Marked:
    """The positions that are marked in one pass."""
    found = {place: where[number] for place, where in seen.marked.items()}
    return {place: where for place, where in found.items() if _any(where)}


def _any(where: Tensor) -> bool:
    return bool(where.any())


def _both(one: Marked, other: Marked) -> Marked:
    return {place: where & other[place] for place, where in one.items() if place in other}


def _within(some: Marked, whole: Marked) -> bool:
    """Whether all positions of `some` are among those of `whole`."""
    return all(place in whole and not _any(where & ~whole[place]) for place, where in some.items())
