"""Measured values as entries of summary.json."""

from __future__ import annotations

from leanfair.fairness import schema
from leanfair.fairness.types import Varied
from leanfair.statistics import Interval


def interval_entry(interval: Interval) -> schema.Interval:
    """An interval; the key `reason` is there only where there is no estimate."""
    entry: schema.Interval = {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
    }
    if interval.reason:
        entry["reason"] = interval.reason
    return entry


def variation_entry(varied: Varied) -> schema.Variation:
    """A variation with its answer."""
    return {
        "value": varied.value,
        "text": varied.text,
        "spans": [list(span) for span in varied.spans],
        "original": varied.original,
        "label": varied.label,
        "answer": {
            "status": varied.answer.status,
            "probabilities": dict(varied.answer.probabilities),
            "captured": varied.answer.captured,
            "text": varied.answer.text,
        },
    }
