"""Confidence intervals for the largest gap between groups, a statistic that is biased upward.

The gap between the highest and the lowest of several rates is never below 0, and noise widens it,
so bootstrap resamples lie above the true gap: for five equal groups, percentile intervals never
contain the true gap, 0. Here the bootstrap is inverted instead, as a grid bootstrap (Hansen 1999,
https://doi.org/10.1162/003465399558463): the interval holds every gap r at which the observed gap
is not unusual. It is unusual where it lies further from r than 95 % of the resamples do; these are
drawn around the rates that have a gap of r and are nearest to the estimated ones. For two groups,
the interval excludes 0 exactly where a two-sided test of their difference rejects.

The nearest rates are spread by noise as well, which understates how many groups share the top: so
rates within a standard error of the top or the bottom are moved there. Simulated coverage at
nominal 95 %, 300 rows: two groups 94 to 97 %, five groups 93 to 98 %, more where the rates between
are evenly spread and less where several groups share the top and all others the bottom
(`tests/fairness/metrics/test_gap_intervals.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from leanfair.statistics import Floats, Interval, Rates

How: TypeAlias = Literal["mean", "max"]
"""How the gaps of several kinds of rates (true and false positives) are combined."""

_TIED = 1.0
_STEPS = 14
_LEVEL_STEPS = 6
_LEVEL_DRAWS = 500


@dataclass(frozen=True, eq=False)
class Spread:
    """Estimates on an unbounded scale: `theta` and its standard errors `spread` [columns, groups],
    bootstrap `errors` [columns, groups, draws]."""

    theta: Floats
    spread: Floats
    errors: Floats

    @cached_property
    def shares(self) -> Floats:
        """How the mean gap is distributed over the columns: as observed, with gaps that noise alone
        explains set to 0, which understates the noise least."""
        own = ranges(self.theta)
        noise = np.quantile(ranges(self.errors), 0.95, axis=-1)
        real = own > noise
        real[(own / noise).argmax()] = True
        kept = np.where(real, np.maximum(own, 1e-9), 0.0)
        shares: Floats = kept / kept.mean()
        return shares

    @staticmethod
    def of(rates: Rates) -> Spread:
        """The estimates of rates, untransformed."""
        return Spread.made(rates.smooth, rates.errors)

    @staticmethod
    def logarithmic(rates: Rates) -> Spread:
        """The estimates of log rates; a resample's rate of 0 counts as half a hit."""
        half = 0.5 * rates.weight / (rates.trials + 2 * rates.weight)
        resampled = np.maximum(rates.smooth[..., None] + rates.errors, half[..., None])
        theta = np.log(rates.smooth)
        return Spread.made(theta, np.log(resampled) - theta[..., None])

    @staticmethod
    def made(theta: Floats, errors: Floats) -> Spread:
        """The estimates with the standard deviation of the errors."""
        return Spread(theta, np.maximum(errors.std(axis=-1), 1e-9), errors)


def ranges(theta: Floats) -> Floats:
    """Highest minus lowest over the groups, axis 1."""
    found: Floats = theta.max(axis=1) - theta.min(axis=1)
    return found


def joined(gaps: Floats, how: How) -> Floats:
    """The gaps of the columns, axis 0, combined."""
    found: Floats = gaps.max(axis=0) if how == "max" else gaps.mean(axis=0)
    return found


def gap_of(theta: Floats, how: How) -> float:
    """The combined gap of rates [columns, groups]."""
    return float(joined(ranges(theta), how))


# ---- the rates nearest to those estimated that have a given gap ---------------------------------


def shaped(found: Spread, target: float, how: How, tied: float = _TIED) -> Floats:
    """The rates nearest to `found` whose gap is `target`, [columns, groups]; those within `tied`
    standard errors of the top or the bottom are moved there."""
    own = ranges(found.theta)
    if how == "max":
        wanted = np.minimum(own, target)
        if target > own.max():
            wanted[own.argmax()] = target
    else:
        wanted = found.shares * target
    rows = zip(found.theta, found.spread, wanted, strict=True)
    return np.stack([_tied(_nearest(theta, s, r), s, tied) for theta, s, r in rows])


def _nearest(theta: Floats, spread: Floats, target: float) -> Floats:
    """The rates with a range of `target`: to narrow them, clipped to the window of that width with
    the smallest precision-weighted change; to widen them, the highest and the lowest moved apart in
    proportion to their variances."""
    top, bottom = int(theta.argmax()), int(theta.argmin())
    missing = target - (theta[top] - theta[bottom])
    if missing < 0:
        low = _window(theta, spread, target)
        return np.minimum(np.maximum(theta, low), low + target)
    if top == bottom:
        top, bottom = np.argsort(spread)[-1], np.argsort(spread)[-2]
    moved: Floats = theta.copy()
    share = spread[top] ** 2 / (spread[top] ** 2 + spread[bottom] ** 2)
    moved[top] += missing * share
    moved[bottom] -= missing * (1 - share)
    return moved


def _window(theta: Floats, spread: Floats, width: float) -> float:
    """The lower end of the optimal window, where the weighted pulls from above and below are equal;
    the pull is linear between the points where a rate enters or leaves the window."""
    ends = np.sort(np.concatenate([theta, theta - width]))[::-1]
    inside = np.clip(theta, ends[:, None], ends[:, None] + width)
    pulls = (theta - inside) @ spread**-2.0
    return float(np.interp(0.0, pulls, ends))


def _tied(theta: Floats, spread: Floats, tied: float) -> Floats:
    top, bottom = int(theta.argmax()), int(theta.argmin())
    high, low = theta[top], theta[bottom]
    upper = theta >= (high + low) / 2
    near_top = upper & (high - theta <= tied * np.hypot(spread, spread[top]))
    near_bottom = ~upper & (theta - low <= tied * np.hypot(spread, spread[bottom]))
    return np.where(near_top, high, np.where(near_bottom, low, theta))


# ---- intervals ----------------------------------------------------------------------------------


def gap_interval(rates: Rates, how: How = "max", confidence: float = 0.95) -> Interval:
    """The gap between the groups' rates and its interval. Every rate has to be defined."""
    found = Spread.of(rates)
    seen = gap_of(found.theta, how)

    def unusual(r: float) -> bool:
        resampled = joined(ranges(shaped(found, r, how)[..., None] + found.errors), how)
        return abs(seen - r) > _reach(resampled - r, confidence)

    low, high = _inverted(unusual, seen, 0.0, 1.0)
    return Interval.around(gap_of(rates.value, how), low, high, 0.0, 1.0)


def ratio_interval(rates: Rates, confidence: float = 0.95) -> Interval:
    """The lowest rate over the highest, of one column, with the interval of the gap between their
    logarithms. At least one rate has to be above 0."""
    found = Spread.logarithmic(rates)
    seen = gap_of(found.theta, "max")

    def unusual(r: float) -> bool:
        resampled = ranges(shaped(found, r, "max")[..., None] + found.errors)[0]
        return abs(seen - r) > _reach(resampled - r, confidence)

    low, high = _inverted(unusual, seen, 0.0, 20.0)
    value = float(rates.value.min() / rates.value.max())
    return Interval.around(value, np.exp(-high), np.exp(-low), 0.0, 1.0)


def impact_interval(rates: Rates, group: int, confidence: float = 0.95) -> Interval:
    """The rate of `group` over the highest one, of one column, and its interval."""
    logs = Spread.logarithmic(rates)
    theta, spread, errors = logs.theta[0], logs.spread[0], logs.errors[0]
    seen = float(theta.max() - theta[group])

    def unusual(r: float) -> bool:
        resampled = _below(theta, spread, group, r)[:, None] + errors
        short = resampled.max(axis=0) - resampled[group]
        return abs(seen - r) > _reach(short - r, confidence)

    low, high = _inverted(unusual, seen, 0.0, 20.0)
    value = float(rates.value[0, group] / rates.value[0].max())
    return Interval.around(value, np.exp(-high), np.exp(-low), 0.0, 1.0)


def _below(theta: Floats, spread: Floats, group: int, distance: float) -> Floats:
    """The nearest rates at which `group` lies `distance` below the highest."""
    others = np.delete(np.arange(len(theta)), group)
    best = others[theta[others].argmax()]
    moved: Floats = theta.copy()
    missing = distance - (theta[best] - theta[group])
    if missing >= 0:
        share = spread[best] ** 2 / (spread[best] ** 2 + spread[group] ** 2)
        moved[best] += missing * share
        moved[group] -= missing * (1 - share)
    else:
        low = _lowered(theta, spread, group, distance)
        moved[others] = np.minimum(theta[others], low + distance)
        moved[group] = low
    top = moved[others].max()
    near = top - moved[others] <= _TIED * np.hypot(spread[others], spread[best])
    moved[others[near]] = top
    return moved


def _lowered(theta: Floats, spread: Floats, group: int, distance: float) -> float:
    """The value of `group` at which the weighted pulls of it and of the groups above it balance."""
    others = np.delete(theta, group) - distance
    precision = np.delete(spread, group) ** -2.0
    places = np.sort(np.append(others[others > theta[group]], theta[group]))[::-1]
    over = np.maximum(others - places[:, None], 0) @ precision
    pulls = over - (places - theta[group]) * spread[group] ** -2.0
    return float(np.interp(0.0, pulls, places))


def gain_interval(
    before: Rates, after: Rates, how: How = "max", confidence: float = 0.95
) -> Interval:
    """The gap before minus the gap after, and its interval; paired, from the same resamples.

    A gain of r leaves the sum of both gaps open: it is chosen such that the gaps of the resamples
    have, on average, the observed sum. Rates are not moved to the top or bottom here, as that
    effect on both gaps is contained in their sum. Simulated coverage at nominal 95 %, 300 rows: 92
    to 98 %.
    """
    one, two = Spread.of(before), Spread.of(after)
    seen = gap_of(one.theta, how), gap_of(two.theta, how)
    gain, level = seen[0] - seen[1], seen[0] + seen[1]

    def gaps(total: float, r: float, draws: int | None = None) -> tuple[Floats, Floats]:
        first = shaped(one, (total + r) / 2, how, 0.0)[..., None] + one.errors[..., :draws]
        second = shaped(two, (total - r) / 2, how, 0.0)[..., None] + two.errors[..., :draws]
        return joined(ranges(first), how), joined(ranges(second), how)

    def unusual(r: float) -> bool:
        # noise widens gaps, so those behind are together no larger than those seen
        low, high = abs(r), max(level, abs(r))
        for _ in range(_LEVEL_STEPS):
            middle = (low + high) / 2
            too_large = sum(float(g.mean()) for g in gaps(middle, r, _LEVEL_DRAWS)) > level
            low, high = (low, middle) if too_large else (middle, high)
        first, second = gaps(low, r)
        return abs(gain - r) > _reach(first - second - r, confidence)

    low, high = _inverted(unusual, gain, -1.0, 1.0)
    value = gap_of(before.value, how) - gap_of(after.value, how)
    return Interval.around(value, low, high, -1.0, 1.0)


def _reach(errors: Floats, confidence: float) -> float:
    """The quantile of the absolute errors at `confidence`."""
    place = int(np.ceil(confidence * len(errors))) - 1
    return float(np.partition(np.abs(errors), place)[place])


def _inverted(
    unusual: Callable[[float], bool], seen: float, least: float, most: float
) -> tuple[float, float]:
    """The ends of the region around `seen` that is not unusual, within [least, most]."""
    ends = []
    for end in (least, most):
        inside, outside = seen, end
        if unusual(end):
            for _ in range(_STEPS):
                middle = (inside + outside) / 2
                inside, outside = (inside, middle) if unusual(middle) else (middle, outside)
            ends.append(outside)
        else:
            ends.append(end)
    return ends[0], ends[1]
