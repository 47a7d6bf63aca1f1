"""Whom both models favour when only the stated attribute changes, and how pruning changed that.

Every row is asked about once for each value of the attribute. The favour of a value is the share of
rows decided favourably with that value stated, less the mean of the shares with the others: for two
values the signed flip rate of an audit. It is 0 for every value of a model that the attribute does
not move. How it changed from parent to child is a difference within each row, tested by a sign-flip
test that is exact (see `leanfair.statistics.paired_test`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leanfair.comparison.whom.paired.contrasts import Contrast, contrast
from leanfair.fairness.audit.evidence import Evidence, favourable_by_value
from leanfair.fairness.audit.flips import test_of, values_of
from leanfair.statistics import (
    Bools,
    Floats,
    Interval,
    Rates,
    Resampling,
    linear_interval,
    rate_of,
    resampled,
)


@dataclass(frozen=True)
class Favour:
    """One value: the share of favourable decisions with it stated (`rates`), and the favour of it
    (`favours`), of parent and child; how the latter changed. `n`: rows asked with every value."""

    value: str
    n: int
    rates: tuple[Interval, Interval]
    favours: tuple[Interval, Interval]
    change: Contrast


def favours(
    parent: Evidence,
    child: Evidence,
    favourable: str,
    resampling: Resampling,
    rng: np.random.Generator,
) -> list[Favour]:
    """The favour of each value; none where no row has all values under both models."""
    values = values_of(parent.counted)
    if len(values) < 2:
        return []
    both = [favourable_by_value(one.counted, values, favourable) for one in (parent, child)]
    whole: Bools = np.asarray(~np.isnan(np.hstack(both)).any(axis=1))
    if not whole.any():
        return []
    before, after = (one[whole] for one in both)
    here = resampling.of(whole)
    hits = np.hstack([before, after])
    rates = resampled(hits, np.ones_like(hits), np.zeros(len(hits), np.int64), here, rng)
    return [_favour(value, place, before, after, rates, here) for place, value in enumerate(values)]


def _favour(
    value: str, place: int, before: Floats, after: Floats, rates: Rates, here: Resampling
) -> Favour:
    count = before.shape[1]
    one = np.full(count, -1.0 / (count - 1))
    one[place] = 1.0
    none, ones = np.zeros(count), np.ones(len(before))

    def favour(first: Floats, second: Floats) -> Interval:
        return linear_interval(rates, np.hstack([first, second])[:, None], here.confidence)

    # whole numbers, for the exact test: the difference of the favours, (values - 1) times
    moved = count * (after[:, place] - before[:, place]) - (after - before).sum(axis=1)
    change = contrast(
        rates,
        np.hstack([-one, one])[:, None],
        here.confidence,
        lambda: test_of(np.rint(moved).astype(np.int64), here),
        n=len(before),
    )
    return Favour(
        value,
        len(before),
        (rate_of(before[:, place], ones, here), rate_of(after[:, place], ones, here)),
        (favour(one, none), favour(none, one)),
        change,
    )
