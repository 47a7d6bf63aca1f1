"""What every meter is, and one of seconds alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from leanfair.evaluation.energy.reading import Energy

NOT_INSTALLED = "Energy is not known: pip install 'leanfair[energy]'."


class Meter(Protocol):
    """What has been used since the block of work began."""

    def read(self) -> Energy: ...


Metering: TypeAlias = Callable[[], AbstractContextManager[Meter]]
"""What opens a meter, such as `metering`."""


@dataclass(frozen=True)
class Clock:
    """A meter of seconds alone. `why` it does not know the energy is a sentence."""

    why: str = NOT_INSTALLED
    started: float = field(default_factory=time.perf_counter)

    def read(self) -> Energy:
        """The seconds since it started."""
        return Energy(time.perf_counter() - self.started, basis=self.why)
