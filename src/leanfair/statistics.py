"""Intervals and tests for rates: clustered bootstrap, exact tests, many tests at once.

A cluster is what was drawn independently (a person, a record); rows of one cluster stay together in
every resample and in every test. All chance comes from the numpy Generator that is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, gammaln, ndtr, ndtri

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Floats], Floats]
"""From weights [b, n], how often each row is there, to the statistic of each of the b samples."""

_CHUNK = 4_000_000
"""Numbers held at once while resampling."""
_BLOCKS = 200
"""Most parts that the jackknife of `interval` leaves out one at a time."""


@dataclass(frozen=True)
class Interval:
    """A statistic and its interval; all None where nothing can be said, and `reason` says why."""

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @staticmethod
    def none(reason: str) -> Interval:
        """Nothing, and why."""
        return Interval(None, None, None, reason)

    @staticmethod
    def around(value: float, low: float, high: float, least: float, most: float) -> Interval:
        """An interval that holds its value and stays within what is possible."""
        low, high = min(low, value), max(high, value)
        return Interval(float(value), float(max(low, least)), float(min(high, most)))

    def to_json(self) -> dict[str, Any]:
        """In plain JSON types; `reason` only where there is one."""
        found = asdict(self)
        return found if self.reason else {k: v for k, v in found.items() if k != "reason"}


# ---- any statistic ------------------------------------------------------------------------------


def interval(
    statistic: Statistic,
    clusters: ArrayLike,
    rng: np.random.Generator,
    *,
    strata: ArrayLike | None = None,
    draws: int = 2000,
    confidence: float = 0.95,
    method: Literal["bca", "percentile", "basic"] = "bca",
) -> Interval:
    """The statistic of the whole sample, and its clustered bootstrap interval.

    `clusters` [n]: the cluster of each row. `strata` [n]: what every resample holds as many
    clusters of as the sample does; a cluster lies in one stratum. "bca" corrects bias and skew
    (Efron 1987, https://doi.org/10.1080/01621459.1987.10478410). For smooth statistics only: for
    the largest gap between groups, which chance makes larger, see
    `leanfair.fairness.metrics.gap_intervals`.
    """
    codes = codes_of(clusters)
    layers = np.zeros(len(codes), np.int64) if strata is None else codes_of(strata)
    units = _unit_strata(codes, layers)
    value = float(statistic(np.ones((1, len(codes))))[0])
    if not math.isfinite(value):
        return Interval.none("the statistic is not defined on these rows")
    drawn = _drawn(statistic, codes, units, draws, rng)
    if len(drawn) < draws / 2:
        return Interval.none("the statistic is not defined on most resamples of these rows")
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        tails = _bca_tails(tails, drawn, value, _left_out(statistic, codes, units))
    low, high = np.quantile(drawn, tails)
    if method == "basic":
        low, high = 2 * value - high, 2 * value - low
    return Interval.around(value, low, high, -math.inf, math.inf)


def codes_of(values: ArrayLike) -> Ints:
    """0, 1, 2, … for each different value, in their order."""
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1).astype(np.int64)


def _unit_strata(codes: Ints, layers: Ints) -> Ints:
    """The stratum of each cluster."""
    found = np.zeros(codes.max(initial=-1) + 1, np.int64)
    found[codes] = layers
    if (found[codes] != layers).any():
        raise ValueError("a cluster lies in more than one stratum")
    return found


def _drawn(
    statistic: Statistic, codes: Ints, units: Ints, draws: int, rng: np.random.Generator
) -> Floats:
    found = []
    size = max(1, _CHUNK // max(1, len(codes)))
    for start in range(0, draws, size):
        counts = _unit_counts(units, min(size, draws - start), rng)
        found.append(statistic(counts[:, codes].astype(float)))
    drawn = np.concatenate(found)
    return drawn[np.isfinite(drawn)]


def _unit_counts(units: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """How often each cluster is drawn, [draws, clusters]; each stratum keeps its size."""
    counts = np.zeros((draws, len(units)), np.int64)
    for stratum in range(units.max(initial=-1) + 1):
        here = np.flatnonzero(units == stratum)
        counts[:, here] = rng.multinomial(len(here), np.full(len(here), 1 / len(here)), size=draws)
    return counts


def _left_out(statistic: Statistic, codes: Ints, units: Ints) -> Floats:
    """The statistic with one part of the clusters left out at a time (a grouped jackknife)."""
    blocks = min(len(units), _BLOCKS)
    block = np.arange(len(units)) % blocks
    found = [statistic((block[codes] != b)[None].astype(float)) for b in range(blocks)]
    return np.concatenate(found)


def _bca_tails(tails: Floats, drawn: Floats, value: float, left_out: Floats) -> Floats:
    below = (np.mean(drawn < value) + np.mean(drawn <= value)) / 2
    bias = ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    off = left_out[np.isfinite(left_out)].mean() - left_out[np.isfinite(left_out)]
    spread = float((off**2).sum()) ** 1.5
    skew = float((off**3).sum()) / (6 * spread) if spread > 0 else 0.0
    z = bias + ndtri(tails)
    return np.asarray(ndtr(bias + z / (1 - skew * z)), float)


# ---- rates --------------------------------------------------------------------------------------


def wilson(share: float, size: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval (1927, https://doi.org/10.1080/01621459.1927.10502953) for the `share` of
    `size` independent trials; with a design effect, `size` need not be whole."""
    z = float(ndtri((1 + confidence) / 2))
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + (z / (2 * size)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)


def rate_interval(
    hits: ArrayLike, trials: ArrayLike, clusters: ArrayLike, confidence: float = 0.95
) -> Interval:
    """Hits a trial, with the interval of `wilson`.

    Rows of one cluster say less than as many clusters would: the trials count by the design effect,
    the clustered variance over that of independent rows (Korn and Graubard 1998).
    """
    x, m = np.asarray(hits, float), np.asarray(trials, float)
    total = m.sum()
    if total == 0:
        return Interval.none("there is no row to take the rate of")
    value = x.sum() / total
    size = _effective(x, m, codes_of(clusters))
    low, high = wilson(value, size, confidence)
    return Interval.around(value, low, high, 0.0, 1.0)


def _effective(x: Floats, m: Floats, codes: Ints) -> float:
    """How many independent rows the trials are worth."""
    sizes = np.bincount(codes, m)
    used = int((sizes > 0).sum())
    total, value = m.sum(), x.sum() / m.sum()
    if used == total or used < 2:
        return float(used)
    if value in (0.0, 1.0):
        return float(used)
    off = np.bincount(codes, x) - value * sizes
    clustered = (off**2).sum() / total**2 * used / (used - 1)
    return float(min(total, value * (1 - value) / clustered)) if clustered > 0 else float(total)


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of several groups, and by how much those of resamples are off.

    `hits`, `trials`, `weight`: [columns, groups]; a column is one kind of rate. `errors`
    [columns, groups, draws]: a resample's rate less the `smooth` rate. Two pseudo-clusters, a hit
    and a miss of `weight` trials each, stand beside every group's own clusters (Agresti and Caffo
    2000, https://doi.org/10.1080/00031305.2000.10474560), so that a group of which all hit is not
    thought to be known for certain.
    """

    hits: Floats
    trials: Floats
    weight: Floats
    errors: Floats

    @property
    def value(self) -> Floats:
        """Hits a trial, NaN where there was none."""
        empty = self.trials == 0
        return np.where(empty, np.nan, self.hits / np.where(empty, 1, self.trials))

    @property
    def smooth(self) -> Floats:
        """The rates with the pseudo-clusters."""
        return (self.hits + self.weight) / (self.trials + 2 * self.weight)

    def take(self, columns: Sequence[int], groups: Sequence[int] | None = None) -> Rates:
        """These columns, and of them these groups."""
        rows = np.asarray(columns, np.int64)
        chosen = slice(None) if groups is None else np.asarray(groups, np.int64)
        parts = (self.hits, self.trials, self.weight, self.errors)
        return Rates(*(part[rows][:, chosen] for part in parts))


def resampled(
    hits: ArrayLike,
    trials: ArrayLike,
    groups: ArrayLike,
    clusters: ArrayLike,
    rng: np.random.Generator,
    draws: int = 2000,
) -> Rates:
    """Rates by group with bootstrap errors, all columns from the same resamples (so it is paired).

    `hits`, `trials` [n, columns]: what each row adds to a rate. `groups` [n]: 0, 1, …, or -1 for a
    row that is in none. Where every cluster lies in one group, the groups keep their sizes.
    """
    group = np.asarray(groups, np.int64)
    keep = group >= 0
    x, m = np.asarray(hits, float)[keep], np.asarray(trials, float)[keep]
    group, codes = group[keep], codes_of(np.asarray(clusters)[keep])
    count = int(group.max(initial=-1)) + 1
    cells, place = np.unique(np.stack([group, codes]), axis=1, return_inverse=True)
    table = np.zeros((cells.shape[1], 2 * x.shape[1]))
    np.add.at(table, place.reshape(-1), np.hstack([x, m]))
    totals = np.zeros((count, table.shape[1]))
    np.add.at(totals, cells[0], table)
    filled = np.zeros((count, x.shape[1]))
    np.add.at(filled, cells[0], table[:, x.shape[1] :] > 0)
    own, seen = np.split(totals, 2, axis=1)
    weight = np.where(filled > 0, seen / np.maximum(filled, 1), 1.0)
    nested = len(np.unique(cells[1])) == cells.shape[1]
    draw = _by_group if nested else _across
    errors = np.empty((x.shape[1], count, draws))
    for g, (sums, pseudo) in enumerate(draw(table, cells, count, draws, rng)):
        top, bottom = np.split(sums, 2, axis=1)
        luck = rng.binomial(pseudo[:, None], 0.5, size=top.shape)
        bottom = bottom + weight[g] * pseudo[:, None]
        smooth = (own[g] + weight[g]) / (seen[g] + 2 * weight[g])
        # a resample without a single trial tells nothing: it counts as no error
        rate = np.divide(top + weight[g] * luck, bottom, out=smooth + 0 * top, where=bottom > 0)
        errors[:, g] = (rate - smooth).T
    return Rates(own.T, seen.T, weight.T, errors)


Sums: TypeAlias = "list[tuple[Floats, Ints]]"
"""For each group the sums of the columns [draws, 2 columns] and the pseudo-clusters drawn."""


def _by_group(table: Floats, cells: Ints, count: int, draws: int, rng: np.random.Generator) -> Sums:
    """Clusters of one group are drawn among themselves. Equal ones are drawn together, by how many
    they are: the same distribution, in a fraction of the time."""
    found = []
    for g in range(count):
        kinds, many = np.unique(table[cells[0] == g], axis=0, return_counts=True)
        pool = np.append(many, 2)
        counts = rng.multinomial(pool.sum(), pool / pool.sum(), size=draws)
        found.append((counts[:, :-1] @ kinds, counts[:, -1]))
    return found


def _across(table: Floats, cells: Ints, count: int, draws: int, rng: np.random.Generator) -> Sums:
    """Clusters that lie in several groups are drawn whole."""
    units = int(cells[1].max()) + 1
    sums = [np.zeros((draws, table.shape[1])) for _ in range(count)]
    size = max(1, _CHUNK // units)
    for start in range(0, draws, size):
        stop = min(draws, start + size)
        counts = rng.multinomial(units, np.full(units, 1 / units), size=stop - start)
        for g in range(count):
            here = cells[0] == g
            sums[g][start:stop] = counts[:, cells[1][here]] @ table[here]
    pseudo = rng.binomial(units + 2, 2 / (units + 2), size=(count, draws))
    return list(zip(sums, pseudo, strict=True))


def linear_interval(
    rates: Rates, weights: ArrayLike, confidence: float = 0.95, *, bound: float = 1.0
) -> Interval:
    """A weighted sum of rates, such as a difference or a change: paired and clustered as the rates.

    `weights` [columns, groups]. The interval is the smoothed sum give or take the quantile of its
    absolute bootstrap error, with the sum itself included. It stays within ±`bound`.
    """
    w = np.asarray(weights, float)
    used = w != 0
    if np.isnan(rates.value[used]).any():
        return Interval.none("one of the rates has no row to take it of")
    value = float((w[used] * rates.value[used]).sum())
    centre = float((w[used] * rates.smooth[used]).sum())
    off = np.abs(w[used] @ rates.errors[used])
    half = float(np.quantile(off, confidence))
    return Interval.around(value, centre - half, centre + half, -bound, bound)


# ---- tests --------------------------------------------------------------------------------------


def mcnemar(first_only: int, second_only: int) -> float:
    """The exact two-sided p of paired yes-or-no outcomes: of the pairs that differ, each way is as
    likely (McNemar 1947, https://doi.org/10.1007/BF02295996)."""
    less = min(first_only, second_only)
    return min(1.0, 2 * float(bdtr(less, first_only + second_only, 0.5)))


def paired_test(differences: ArrayLike, clusters: ArrayLike) -> float:
    """The exact two-sided p that paired differences (whole numbers, one a row) favour no side.

    Each cluster's sum is as likely to have the other sign: all signs are gone through, by
    convolution. Where no cluster's sum goes beyond 1, this is McNemar's exact test.
    """
    sums = np.bincount(codes_of(clusters), np.asarray(differences, float))
    sizes = np.abs(sums[sums != 0]).astype(np.int64)
    if (sizes == 1).all():
        return mcnemar(int((sums > 0).sum()), int((sums < 0).sum()))
    chances = np.ones(1)
    for size in sizes:
        step = np.zeros(2 * size + 1)
        step[0] = step[-1] = 0.5
        chances = np.convolve(chances, step)
    total = int(sizes.sum())
    reached = np.abs(np.arange(-total, total + 1)) >= abs(int(sums.sum()))
    return float(min(1.0, chances[reached].sum()))


def fisher(hits: int, misses: int, other_hits: int, other_misses: int) -> float:
    """Fisher's exact two-sided p that two independent groups have the same rate."""
    rows, others, chosen = hits + misses, other_hits + other_misses, hits + other_hits
    possible = np.arange(max(0, chosen - others), min(rows, chosen) + 1)
    logs = _log_choose(rows, possible) + _log_choose(others, chosen - possible)
    chances = np.exp(logs - logs.max())
    seen = chances[hits - possible[0]]
    # as likely as the one seen, but for rounding
    return float(min(1.0, chances[chances <= seen * (1 + 1e-7)].sum() / chances.sum()))


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), float)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: to reject those up to q keeps the false discovery rate at q (Benjamini and
    Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x)."""
    p = np.asarray(p_values, float)
    if len(p) == 0:
        return []
    order = np.argsort(p)[::-1]
    steps = p[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps))
    return [float(q) for q in adjusted]
