"""Numbers with their intervals, as summary.json holds them."""

from __future__ import annotations

import math

from leanfair.comparison.schema.quality import Difference, Measure
from leanfair.statistics import Interval


def difference(parent: float, child: float, interval: Interval | None = None) -> Difference:
    """A number of both models, and its difference with the `interval`, where there is one."""
    return {
        "parent": parent,
        "child": child,
        "value": child - parent,
        "low": None if interval is None else finite(interval.low),
        "high": None if interval is None else finite(interval.high),
    }


def measure(found: Interval) -> Measure:
    """A number about both."""
    value = finite(found.value)
    return {
        "value": 0.0 if value is None else value,
        "low": finite(found.low),
        "high": finite(found.high),
    }


def finite(value: float | None) -> float | None:
    """None for what is no number, as where a network is broken."""
    return None if value is None or not math.isfinite(value) else value
