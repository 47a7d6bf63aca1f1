"""What several pieces of work take for a sample, in turn block by block, so that a busy machine
weighs on all alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from leanfair.errors import InputError
from leanfair.evaluation.energy.clock import Meter
from leanfair.evaluation.energy.reading import Energy, total

ROUNDS, FEWEST = 8, 3
"""Blocks of each piece of work, and how many at least where a block takes too long for that."""


@dataclass(frozen=True)
class Block:
    """A stretch of one piece of work: what it took, and how many samples it did."""

    energy: Energy
    samples: int

    @property
    def kwh(self) -> float | None:
        """Kilowatt-hours for one sample."""
        return None if self.energy.kwh is None else self.energy.kwh / self.samples

    @property
    def seconds(self) -> float:
        """Seconds for one sample."""
        return self.energy.seconds / self.samples


@dataclass(frozen=True)
class Interval:
    """A mean over blocks, and its 95 % interval (Student's, blocks taken as independent); None for
    its ends where there is one block."""

    value: float
    low: float | None
    high: float | None


def in_turn(
    works: Mapping[str, Callable[[], int]],
    meter: Meter,
    seconds: float = 20.0,
    rounds: int = ROUNDS,
) -> dict[str, list[Block]]:
    """Blocks of each of `works` under `meter`, in an order that alternates, for about `seconds` in
    all. A work does something once and returns how many samples that was; in a block it is repeated
    for its share of the time. Each is done once before, to warm up. There are `rounds` blocks of
    each, or less (but 3) where once takes too long for so many.

    Raises InputError for no rounds, and no time.
    """
    check_seconds(seconds)
    if rounds < 1:
        raise InputError(f"Energy is measured in one round or more, but rounds is {rounds}.")
    began = time.perf_counter()
    for work in works.values():
        work()
    fit = int(seconds / max(1e-9, time.perf_counter() - began))
    rounds = max(min(rounds, FEWEST), min(rounds, fit))
    share = seconds / (rounds * max(1, len(works)))
    found: dict[str, list[Block]] = {name: [] for name in works}
    for number in range(rounds):
        names = list(works) if number % 2 == 0 else list(works)[::-1]
        for name in names:
            found[name].append(_block(works[name], meter, share))
    return found


def check_seconds(seconds: float) -> None:
    """Raise InputError where that is no time to measure for."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"Energy is measured over some seconds, above 0, but not over {seconds}.")


def _block(work: Callable[[], int], meter: Meter, seconds: float) -> Block:
    before, samples = meter.read(), 0
    ends = time.perf_counter() + seconds
    while samples == 0 or time.perf_counter() < ends:
        samples += work()
    return Block(meter.read().since(before), samples)


def used(blocks: Sequence[Block]) -> Energy:
    """What all `blocks` took together."""
    return total(block.energy for block in blocks)


def kwh_each(blocks: Sequence[Block]) -> list[float] | None:
    """Kilowatt-hours for one sample in each block; None where any is not known."""
    found = [block.kwh for block in blocks]
    known = [value for value in found if value is not None]
    return known if known and len(known) == len(found) else None


def mean_of(values: Sequence[float]) -> Interval:
    """The mean of `values`, with its interval."""
    found = np.asarray(values, dtype=np.float64)
    mean, n = float(found.mean()), len(found)
    if n < 2:
        return Interval(mean, None, None)
    half = float(stdtrit(n - 1, 0.975)) * float(found.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def ratio_of(before: Sequence[float], after: Sequence[float]) -> Interval | None:
    """How many times `before` is `after`: the geometric mean over blocks that were taken side by
    side, with its interval; None where a value is not above 0."""
    if min(*before, *after) <= 0:
        return None
    found = mean_of(np.log(np.asarray(after) / np.asarray(before)).tolist())
    low, high = (None if end is None else math.exp(end) for end in (found.low, found.high))
    return Interval(math.exp(found.value), low, high)
