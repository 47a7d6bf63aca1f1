"""A meter around a block of work: seconds, and energy where that can be known.

with metering() as meter:
    work()
    used = meter.read()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from leanfair.evaluation.energy.clock import Clock, Meter


@contextmanager
def metering() -> Iterator[Meter]:
    """A meter for a block of work, by codecarbon: counters of processor and GPU where they can be
    read, else its estimate. Without codecarbon, or where it fails, it tells seconds and why energy
    is not known. Nothing is sent, printed or left behind."""
    try:
        from leanfair.evaluation.energy.tracker import tracking
    except ImportError:
        yield Clock()
        return
    with tracking() as meter:
        yield meter
