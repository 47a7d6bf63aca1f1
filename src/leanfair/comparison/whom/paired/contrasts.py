"""Differences of differences, with what it takes to judge them: an interval, an error and a test.

All of a contrast is from one set of resamples: parent, child and their difference are paired, and
rows of one cluster stay together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from leanfair.statistics import (
    Bools,
    Floats,
    Interval,
    Rates,
    Resampling,
    benjamini_hochberg,
    linear_interval,
)

POWER = 0.8
"""A change is called detectable where it would be found in so large a share of studies like this
one."""


@dataclass(frozen=True)
class Contrast:
    """How something changed. `error`: the standard error of the change, None where that is not
    known. `p`: the two-sided p-value that it did not change, None where there is no test. `n`: the
    rows that it is taken of."""

    interval: Interval
    error: float | None = None
    p: float | None = None
    n: int = 0

    @staticmethod
    def none(reason: str) -> Contrast:
        """A change that is not defined, and why."""
        return Contrast(Interval.none(reason))

    def detectable(self, tests: int) -> float | None:
        """The size of a change that would be found four times out of five where 5 % are shared by
        `tests` tests (Bonferroni, the hardest that Benjamini and Hochberg ask of any): by a normal
        approximation, but never less than so many rows as an exact test needs at least, if all
        that change do so in one direction."""
        if self.error is None or not self.n:
            return None
        normal, level = NormalDist(), ALPHA / max(1, tests)
        reach = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(POWER)
        fewest = math.ceil(math.log2(2 / level))
        return min(2.0, max(reach * self.error, fewest / self.n))


ALPHA = 0.05
"""The share of false discoveries that is put up with among those that are claimed."""


def contrast(
    rates: Rates,
    weights: ArrayLike,
    confidence: float,
    test: Callable[[], float] | None = None,
    *,
    n: int,
    bound: float = 2.0,
) -> Contrast:
    """The weighted sum of `rates` (see `linear_interval`) over `n` rows. Without a `test` the
    p-value is that of the bootstrap: how often a resample errs by as much as was seen."""
    interval = linear_interval(rates, weights, confidence, bound=bound)
    if interval.value is None:
        return Contrast(interval)
    w = np.asarray(weights, float)
    used = w != 0
    errors: Floats = w[used] @ rates.errors[used]
    seen = abs(float((w[used] * rates.smooth[used]).sum()))
    p = bootstrapped(errors, seen) if test is None else test()
    return Contrast(interval, float(errors.std()), p, n)


def bootstrapped(errors: Floats, seen: float) -> float:
    """How many of the resamples, and the sample itself, err by at least `seen`."""
    return float((1 + (np.abs(errors) >= seen).sum()) / (1 + len(errors)))


def adjusted(found: Sequence[Contrast]) -> list[float | None]:
    """The p-values adjusted over all that have one (Benjamini and Hochberg)."""
    known = [one.p for one in found if one.p is not None]
    told = iter(benjamini_hochberg(known))
    return [None if one.p is None else next(told) for one in found]


def is_independent(resampling: Resampling) -> bool:
    """Whether each row is a person who was drawn alone and counts once, as exact tests of groups
    need it."""
    alone = len(np.unique(resampling.clusters)) == len(resampling.clusters)
    return alone and resampling.weights is None


def holds(found: Contrast, after: float | None) -> bool:
    """Whether a change is claimed: its adjusted p-value is below 5 %, and its interval excludes
    0."""
    low, high = found.interval.low, found.interval.high
    if after is None or low is None or high is None:
        return False
    return after < ALPHA and (low > 0 or high < 0)


@dataclass(frozen=True, eq=False)
class Outcome:
    """A yes or no of each row under both models, [n] each. `among`: the rows that it is asked
    of."""

    parent: Bools
    child: Bools
    among: Bools

    @property
    def lost(self) -> Bools:
        """The rows that were a yes of the parent alone."""
        return self.among & self.parent & ~self.child

    @property
    def won(self) -> Bools:
        """The rows that are a yes of the child alone."""
        return self.among & self.child & ~self.parent
