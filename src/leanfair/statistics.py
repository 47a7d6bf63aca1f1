"""Intervals and tests for rates: clustered bootstrap, Wilson's interval, exact tests, many tests.

A cluster is what was drawn independently (a person, a record); rows of one cluster stay together in
every resample and in every test. All randomness comes from the numpy Generator that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

_CHUNK = 4_000_000
"""The most numbers that are held at once while resampling."""


@dataclass(frozen=True)
class Interval:
    """A number with its confidence interval.

    All three are None where the number is not defined or not reliable; `reason` then says why.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @staticmethod
    def none(reason: str) -> Interval:
        """An undefined number, and why it is undefined."""
        return Interval(None, None, None, reason)

    @staticmethod
    def around(value: float, low: float, high: float, least: float, most: float) -> Interval:
        """The interval [low, high], widened to contain `value` and clipped to [least, most]."""
        low, high = min(low, value), max(high, value)
        return Interval(float(value), float(max(low, least)), float(min(high, most)))


@dataclass(frozen=True, eq=False)
class Resampling:
    """How uncertainty is estimated, the same for every number of an audit.

    `clusters` [n]: the cluster of each row, as whole numbers. `seed`: determines all randomness.
    `draws`: bootstrap resamples. `confidence`: the coverage of the intervals, such as 0.95.
    `weights` [n]: what each row counts, None for 1. If `counted`, a row stands for so many people
    who were drawn independently, and is a cluster by itself; else weights are those of a survey,
    which leave as many people as there are rows.
    """

    clusters: Ints
    seed: int = 0
    draws: int = 2000
    confidence: float = 0.95
    weights: Floats | None = None
    counted: bool = False

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator for one part of the work, independent of how much the others draw."""
        return np.random.default_rng([self.seed, *stream])

    def of(self, rows: Bools) -> Resampling:
        """The same for a subset of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, clusters=self.clusters[rows], weights=weights)


def codes_of(values: ArrayLike) -> Ints:
    """0, 1, 2, … for each distinct value, in sorted order."""
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1).astype(np.int64)


# ---- rates --------------------------------------------------------------------------------------


def wilson(share: float, size: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share seen among `size` independent trials, within [0, 1].

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    scale = 1 + z * z / size
    centre = (share + z * z / (2 * size)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / size + (z / (2 * size)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)


def rate_interval(
    hits: ArrayLike, trials: ArrayLike, clusters: ArrayLike, confidence: float = 0.95
) -> Interval:
    """Hits per trial with Wilson's interval, corrected for clusters; `hits`, `trials`, `clusters`
    [n]. See `rate_of`."""
    return rate_of(hits, trials, Resampling(codes_of(clusters), confidence=confidence))


def rate_of(hits: ArrayLike, trials: ArrayLike, resampling: Resampling) -> Interval:
    """Hits per trial [n] with Wilson's interval, corrected for clusters and weights.

    Rows of one cluster, and rows of unequal weight, carry less information than as many independent
    ones: the number of trials is divided by the design effect, which is their variance over that of
    independent rows (Korn and Graubard 1998), and is at most (sum of weights)^2 / sum of squared
    weights (Kish 1965).
    """
    x, m = np.asarray(hits, float), np.asarray(trials, float)
    if resampling.weights is not None:
        x, m = x * resampling.weights, m * resampling.weights
    total = m.sum()
    if total == 0:
        return Interval.none("there is no row to take the rate of")
    value = float(x.sum() / total)
    codes = codes_of(resampling.clusters)
    size = float(total) if resampling.counted else _effective_size(x, m, codes)
    low, high = wilson(value, size, resampling.confidence)
    return Interval.around(value, low, high, 0.0, 1.0)


def _effective_size(x: Floats, m: Floats, codes: Ints) -> float:
    """How many independent trials of one weight carry as much information as these."""
    sizes = np.bincount(codes, m)
    used, rows = int((sizes > 0).sum()), int((m > 0).sum())
    total, value = m.sum(), x.sum() / m.sum()
    most = float(total**2 / (m**2).sum())
    if (used == rows and most >= rows * (1 - 1e-12)) or used < 2 or value in (0.0, 1.0):
        return min(float(used), most)
    residuals = np.bincount(codes, x) - value * sizes
    clustered = (residuals**2).sum() / total**2 * used / (used - 1)
    return float(min(most, value * (1 - value) / clustered)) if clustered > 0 else most


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of several groups with their bootstrap errors.

    `hits`, `trials`, `weight`: [columns, groups]; a column is one kind of rate. `errors`
    [columns, groups, draws]: a resample's rate less the `smooth` rate. Two pseudo-clusters, a hit
    and a miss of `weight` trials each, are added to every group (Agresti and Caffo 2000,
    https://doi.org/10.1080/00031305.2000.10474560), so that the rate of a group in which all rows
    hit is not taken for certain.
    """

    hits: Floats
    trials: Floats
    weight: Floats
    errors: Floats

    @property
    def value(self) -> Floats:
        """Hits per trial [columns, groups], NaN where there is no trial."""
        empty = self.trials == 0
        return np.where(empty, np.nan, self.hits / np.where(empty, 1, self.trials))

    @property
    def smooth(self) -> Floats:
        """The rates with the pseudo-clusters, [columns, groups]."""
        return (self.hits + self.weight) / (self.trials + 2 * self.weight)

    def take(self, columns: Sequence[int], groups: Sequence[int] | None = None) -> Rates:
        """Only these columns, and only these groups."""
        rows = np.asarray(columns, np.int64)
        chosen = slice(None) if groups is None else np.asarray(groups, np.int64)
        parts = (self.hits, self.trials, self.weight, self.errors)
        return Rates(*(part[rows][:, chosen] for part in parts))


def resampled(
    hits: ArrayLike,
    trials: ArrayLike,
    groups: ArrayLike,
    resampling: Resampling,
    rng: np.random.Generator,
) -> Rates:
    """Rates by group with bootstrap errors; all columns share the resamples, so they are paired.

    `hits`, `trials` [n, columns]: what each row adds to a rate. `groups` [n]: 0, 1, …, or -1 for a
    row in no group. Where every cluster lies in a single group, each group keeps its number of
    clusters in every resample; else whole clusters are drawn across groups.
    """
    group = np.asarray(groups, np.int64)
    keep = group >= 0
    x, m = np.asarray(hits, float)[keep], np.asarray(trials, float)[keep]
    group, codes = group[keep], codes_of(resampling.clusters[keep])
    own = np.ones(len(x)) if resampling.weights is None else resampling.weights[keep]
    copies = own if resampling.counted else np.ones(len(x))
    if not resampling.counted:
        x, m = x * own[:, None], m * own[:, None]
    count, draws = int(group.max(initial=-1)) + 1, resampling.draws
    cells, place = np.unique(np.stack([group, codes]), axis=1, return_inverse=True)
    table = np.zeros((cells.shape[1], 2 * x.shape[1]))
    np.add.at(table, place.reshape(-1), np.hstack([x, m]))
    many = np.ones(cells.shape[1])
    many[place.reshape(-1)] = copies  # a counted row is a cell by itself
    totals = np.zeros((count, table.shape[1]))
    np.add.at(totals, cells[0], table * many[:, None])
    filled = np.zeros((count, x.shape[1]))
    np.add.at(filled, cells[0], (table[:, x.shape[1] :] > 0) * many[:, None])
    got, seen = np.split(totals, 2, axis=1)
    weight = np.where(filled > 0, seen / np.maximum(filled, 1), 1.0)
    nested = len(np.unique(cells[1])) == cells.shape[1]
    errors = np.empty((x.shape[1], count, draws))
    draw = _within_groups if nested else _across_groups
    for g, (sums, pseudo) in enumerate(draw(table, cells, many, count, draws, rng)):
        top, bottom = np.split(sums, 2, axis=1)
        luck = rng.binomial(pseudo[:, None], 0.5, size=top.shape)
        bottom = bottom + weight[g] * pseudo[:, None]
        smooth = (got[g] + weight[g]) / (seen[g] + 2 * weight[g])
        # a resample without a single trial carries no information: it counts as no error
        rate = np.divide(top + weight[g] * luck, bottom, out=smooth + 0 * top, where=bottom > 0)
        errors[:, g] = (rate - smooth).T
    return Rates(got.T, seen.T, weight.T, errors)


Sums: TypeAlias = "list[tuple[Floats, Ints]]"
"""For each group the sums of the columns [draws, 2 columns] and the pseudo-clusters drawn."""


def _within_groups(
    table: Floats, cells: Ints, many: Floats, count: int, draws: int, rng: np.random.Generator
) -> Sums:
    """Resample the clusters of each group, `many` of each kind, among themselves.

    Equal clusters are drawn together, by how many they are: the same distribution, in a fraction of
    the time.
    """
    sums = []
    for g in range(count):
        here = cells[0] == g
        kinds, place = np.unique(table[here], axis=0, return_inverse=True)
        pool = np.append(np.bincount(place.reshape(-1), many[here]), 2).astype(np.int64)
        counts = rng.multinomial(pool.sum(), pool / pool.sum(), size=draws)
        sums.append((counts[:, :-1] @ kinds, counts[:, -1]))
    return sums


def _across_groups(
    table: Floats, cells: Ints, _: Floats, count: int, draws: int, rng: np.random.Generator
) -> Sums:
    """Resample whole clusters, which may lie in several groups."""
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
    """A weighted sum of rates, such as a difference: paired and clustered as the rates are.

    `weights` [columns, groups]. The interval is the smoothed sum plus and minus the quantile of its
    absolute bootstrap error, widened to contain the sum, and clipped to ±`bound`.
    """
    w = np.asarray(weights, float)
    used = w != 0
    if np.isnan(rates.value[used]).any():
        return Interval.none("one of the rates has no row to take it of")
    value = float((w[used] * rates.value[used]).sum())
    centre = float((w[used] * rates.smooth[used]).sum())
    errors = np.abs(w[used] @ rates.errors[used])
    half = float(np.quantile(errors, confidence))
    return Interval.around(value, centre - half, centre + half, -bound, bound)


# ---- tests; scipy.stats takes a second to import, so it is imported where it is used ------------


def mcnemar(first_only: int, second_only: int) -> float:
    """McNemar's exact two-sided p-value of paired yes-or-no outcomes (1947,
    https://doi.org/10.1007/BF02295996), from the numbers of pairs in which one alone is a yes."""
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def paired_test(
    differences: ArrayLike,
    clusters: ArrayLike,
    weights: Floats | None = None,
    counted: bool = False,
) -> float:
    """The exact two-sided p-value of a sign-flip test of paired differences.

    `differences` [n]: whole numbers. Under the null hypothesis each cluster's sum has either sign
    with equal probability; the distribution over all signs is computed by convolution. Where no
    cluster's sum exceeds 1 in size, this is McNemar's exact test. `weights`, `counted`: see
    `Resampling`; with weights of a survey the distribution is exact for up to 12 sums that are not
    0, and for more its normal approximation.
    """
    sides = np.asarray(differences, float)
    if weights is not None and counted:
        return mcnemar(round(weights[sides > 0].sum()), round(weights[sides < 0].sum()))
    found = np.bincount(codes_of(clusters), sides if weights is None else sides * weights)
    sums = found.astype(float)
    sums = sums[np.abs(sums) > 1e-12]
    if weights is not None:
        return _sign_flips(sums)
    sizes = np.abs(sums).astype(np.int64)
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


def _sign_flips(sums: Floats) -> float:
    """The p-value of sums of any size whose signs are random under the null hypothesis."""
    reached = abs(float(sums.sum())) * (1 - 1e-12)
    if len(sums) <= 12:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(sums))))
        return float((np.abs(signs @ sums) >= reached).mean())
    return float(2 * NormalDist().cdf(-reached / math.sqrt(float((sums**2).sum()))))


def fisher(hits: int, misses: int, other_hits: int, other_misses: int) -> float:
    """Fisher's exact two-sided p-value that two independent groups have the same rate."""
    from scipy.stats import fisher_exact

    return float(fisher_exact([[hits, misses], [other_hits, other_misses]])[1])


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: rejecting those up to q keeps the false discovery rate at most q
    (Benjamini and Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x)."""
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values)] if p_values else []
