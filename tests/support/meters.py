"""Meters of known watts on clocks that are moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from leanfair.evaluation.energy.clock import Metering
from leanfair.evaluation.energy.reading import JOULES, Energy, Kind


@dataclass
class Hand:
    """A clock that stands still until somebody moves it, in place of the module `time`."""

    now: float = 0.0

    def perf_counter(self) -> float:
        return self.now

    monotonic = perf_counter

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Watts:
    """A meter that has seen `watts` ever since `clock` stood at 0, and `more` joules besides."""

    clock: Hand = field(default_factory=Hand)
    watts: float = 10.0
    kind: Kind = "measured"
    more: float = 0.0

    def read(self) -> Energy:
        kwh = (self.watts * self.clock.now + self.more) / JOULES
        return Energy(self.clock.now, kwh, self.kind, f"{self.watts:g} W by hand.", processor=kwh)


@dataclass
class Deaf:
    """A meter that hears of no energy."""

    clock: Hand = field(default_factory=Hand)

    def read(self) -> Energy:
        return Energy(self.clock.now, basis="Energy is not known: it is deaf.")


def opened(meter: Watts | Deaf) -> Metering:
    """What opens `meter`."""

    @contextmanager
    def metering() -> Iterator[Watts | Deaf]:
        yield meter

    return metering
