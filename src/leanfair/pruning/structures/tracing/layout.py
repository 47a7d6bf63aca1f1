"""From dyed positions to the layout of neurons in a module: where each begins, how far it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

MOST_RUNS = 8
"""A module that holds the channels in more pieces than this is refused."""


class Run(NamedTuple):
    """Neuron i owns the positions [offset + i*repeat, offset + (i+1)*repeat)."""

    offset: int
    repeat: int

    def stop(self, count: int) -> int:
        return self.offset + count * self.repeat


def halves(count: int, seed: int) -> Tensor:
    """A random half of `count` neurons, as booleans: the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.zeros(count, dtype=torch.bool)
    half[torch.randperm(count, generator=generator)[: (count + 1) // 2]] = True
    return half


def runs(
    whole: Tensor, parts: Sequence[tuple[Tensor, Tensor]], count: int, unit: int
) -> tuple[Run, ...] | None:
    """The runs in which `count` neurons lie, or None where their positions are not in order.

    `whole`: the positions of all of them. `parts`: pairs (some neurons, their positions), which are
    what tells order from disorder. `unit`: positions that only go together.
    """
    where = whole.nonzero().flatten()
    for pieces in range(1, MOST_RUNS + 1):
        repeat, rest = divmod(len(where), count * pieces)
        if rest or not repeat or repeat % unit:
            continue
        chunks = where.reshape(pieces, count * repeat)
        found = tuple(Run(int(chunk[0]), repeat) for chunk in chunks)
        connected = all(int(chunk[-1] - chunk[0]) == count * repeat - 1 for chunk in chunks)
        aligned = all(run.offset % unit == 0 for run in found)
        if connected and aligned and all(_fits(found, *part, repeat) for part in parts):
            return found
    return None


def _fits(found: tuple[Run, ...], some: Tensor, where: Tensor, repeat: int) -> bool:
    """Whether neurons `some` lie exactly at the positions `where`."""
    expected = torch.zeros_like(where)
    for run in found:
        expected[run.offset : run.stop(len(some))] = some.repeat_interleave(repeat)
    return torch.equal(expected, where)
