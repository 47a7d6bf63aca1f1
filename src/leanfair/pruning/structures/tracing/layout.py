"""From marked positions to the layout of neurons in a module: offset and length of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

MOST_RUNS = 8
"""A module in which the channels lie in more contiguous runs than this is refused."""


class Run(NamedTuple):
    """A contiguous run of neurons: neuron i owns positions [offset + i*repeat, offset +
    (i+1)*repeat)."""

    offset: int
    repeat: int

    def stop(self, count: int) -> int:
        """The first position after those of `count` neurons."""
        return self.offset + count * self.repeat


def halves(count: int, seed: int) -> Tensor:
    """A random half of `count` neurons, bool [count], determined by `seed`."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.zeros(count, dtype=torch.bool)
    half[torch.randperm(count, generator=generator)[: (count + 1) // 2]] = True
    return half


def runs(
    whole: Tensor, parts: Sequence[tuple[Tensor, Tensor]], count: int, unit: int
) -> tuple[Run, ...] | None:
    """The runs in which `count` neurons lie, or None if their positions are not in order.

    `whole`: the positions of all neurons, bool [features]. `parts`: pairs (a subset of the neurons,
    bool [count]; its positions, bool [features]), which verify the order. `unit`: number of
    neighbouring positions that can only be removed together.
    """
    where = whole.nonzero().flatten()
    for pieces in range(1, MOST_RUNS + 1):
        repeat, rest = divmod(len(where), count * pieces)
        if rest or not repeat or repeat % unit:
            continue
        chunks = where.reshape(pieces, count * repeat)
        candidate = tuple(Run(int(chunk[0]), repeat) for chunk in chunks)
        connected = all(int(chunk[-1] - chunk[0]) == count * repeat - 1 for chunk in chunks)
        aligned = all(run.offset % unit == 0 for run in candidate)
        if connected and aligned and all(_fits(candidate, *part, repeat) for part in parts):
            return candidate
    return None


def _fits(candidate: tuple[Run, ...], some: Tensor, where: Tensor, repeat: int) -> bool:
    """Whether the neurons `some` lie exactly at the positions `where`."""
    expected = torch.zeros_like(where)
    for run in candidate:
        expected[run.offset : run.stop(len(some))] = some.repeat_interleave(repeat)
    return torch.equal(expected, where)
