"""After how much use a saving has paid back what it took to make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leanfair.evaluation.energy.turns import Interval, mean_of


@dataclass(frozen=True)
class Payback:
    """After how many samples `spent` kilowatt-hours are saved again: `samples`, None for never.

    `low` and `high` bound it at 95 %, from the interval of `saved`, the kilowatt-hours saved for a
    sample; None for never, and unknown where `saved` has no interval.
    """

    spent: float
    saved: Interval
    samples: float | None
    low: float | None
    high: float | None


def payback_of(spent: float, before: Sequence[float], after: Sequence[float]) -> Payback:
    """When what takes `after` in place of `before` (kilowatt-hours for a sample, in blocks taken
    side by side) has saved `spent`. It is spent / saved; its interval has the ends of that of
    saved, turned about, and no upper end where saved may be nothing."""
    saved = mean_of([old - new for old, new in zip(before, after, strict=True)])
    return Payback(
        spent, saved, _over(spent, saved.value), _over(spent, saved.high), _over(spent, saved.low)
    )


def _over(spent: float, saved: float | None) -> float | None:
    return spent / saved if saved is not None and saved > 0 else None
