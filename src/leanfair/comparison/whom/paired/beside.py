"""Outcomes of parent and child by group: what changed in each, more than in the rest, and in gaps.

Denominators are those of an audit (see `leanfair.fairness.metrics.rates`): a decision that is
refused or not understood stays in, and is not favourable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leanfair.comparison.whom.paired.contrasts import Contrast, Outcome, contrast, is_independent
from leanfair.comparison.whom.paired.exact import group_against_rest
from leanfair.fairness.metrics.gap_intervals import How, gain_interval, gap_interval
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.metrics.rates import DIFFERENCES
from leanfair.statistics import (
    Bools,
    Floats,
    Interval,
    Ints,
    Rates,
    Resampling,
    paired_test,
    rate_of,
    resampled,
)

GAPS: Mapping[str, tuple[tuple[str, ...], How]] = {
    "accuracy_difference": (("accuracy",), "max"),
    **dict(DIFFERENCES.items()),
}
"""Highest rate of the groups minus the lowest, and how several kinds of rates are combined."""


@dataclass(frozen=True)
class Beside:
    """A rate of both models, how it changed, and how many rows were a yes of one model alone."""

    n: int
    parent: Interval
    child: Interval
    change: Contrast
    lost: int
    won: int


@dataclass(frozen=True, eq=False)
class Groups:
    """Some outcomes by one grouping. `silent`: for groups of which nothing can be said, why; by
    their place. `stream`: which of the random numbers of `resampling` are used."""

    grouping: Grouping
    outcomes: Mapping[str, Outcome]
    resampling: Resampling
    stream: int = 0
    silent: Mapping[int, str] | None = None

    def group(self, name: str, group: int) -> Beside:
        """The outcome `name` within a group."""
        outcome, here = self.outcomes[name], self.grouping.codes == group
        rates = self._rates(self.grouping.codes)
        if reason := self._reason(name, group):
            none = Interval.none(reason)
            return Beside(0, none, none, Contrast(none), 0, 0)
        weights = np.zeros((2 * len(self.outcomes), rates.hits.shape[1]))
        column = self._column(name)
        weights[column, group], weights[column + 1, group] = -1.0, 1.0
        return _beside(outcome, here, rates, weights, self.resampling)

    def overall(self, name: str) -> Beside:
        """The outcome `name` of all rows, whether their group is known or not."""
        outcome = self.outcomes[name]
        everyone = np.ones(len(outcome.among), bool)
        if not outcome.among.any():
            none = Interval.none("there is no row to take the rate of")
            return Beside(0, none, none, Contrast(none), 0, 0)
        rates = self._rates(np.zeros(len(everyone), np.int64), 1)
        weights = np.zeros((2 * len(self.outcomes), 1))
        column = self._column(name)
        weights[column, 0], weights[column + 1, 0] = -1.0, 1.0
        return _beside(outcome, everyone, rates, weights, self.resampling)

    def against_rest(self, name: str, group: int) -> Contrast:
        """How the rate of a group changed, less how that of all other groups together did."""
        outcome, codes = self.outcomes[name], self.grouping.codes
        if reason := self._reason(name, group):
            return Contrast.none(reason)
        known = codes >= 0
        if not (outcome.among & known & (codes != group)).any():
            return Contrast.none("no other group has a row to compare it with")
        if not (outcome.lost | outcome.won)[known].any():
            return Contrast.none("not one row changed")
        apart = np.where(known, (codes != group).astype(np.int64), -1)
        rates = self._rates(apart, 2 + group)
        weights = np.zeros((2 * len(self.outcomes), 2))
        column = self._column(name)
        weights[column], weights[column + 1] = (-1.0, 1.0), (1.0, -1.0)
        rows = outcome.among & known
        moved = outcome.won.astype(np.int64) - outcome.lost

        def test() -> float:
            return group_against_rest(moved[rows], codes[rows] == group)

        exact = is_independent(self.resampling)
        return contrast(
            rates,
            weights,
            self.resampling.confidence,
            test if exact else None,
            n=int((rows & (codes == group)).sum()),
        )

    def gap(self, name: str) -> tuple[Interval, Interval, Interval]:
        """One of GAPS of the parent, of the child, and the child's minus the parent's."""
        kinds, how = GAPS[name]
        groups = range(len(self.grouping.names))
        reasons = (self._reason(kind, g) for kind in kinds for g in groups)
        if reason := next(filter(None, reasons), ""):
            none = Interval.none(reason)
            return none, none, none
        rates, confidence = self._rates(self.grouping.codes), self.resampling.confidence
        columns = [self._column(kind) for kind in kinds]
        parent, child = (rates.take([column + side for column in columns]) for side in (0, 1))
        return (
            gap_interval(parent, how, confidence),
            gap_interval(child, how, confidence),
            gain_interval(child, parent, how, confidence),
        )

    def has(self, name: str) -> bool:
        """Whether all the rates of a gap are among the outcomes."""
        return all(kind in self.outcomes for kind in GAPS[name][0])

    # ---- resamples ------------------------------------------------------------------------------

    def _rates(self, codes: Ints, part: int = 0) -> Rates:
        if part not in self._kept:
            hits, trials = self._columns
            rng = self.resampling.rng(self.stream, part)
            self._kept[part] = resampled(hits, trials, codes, self.resampling, rng)
        return self._kept[part]

    @cached_property
    def _kept(self) -> dict[int, Rates]:
        return {}

    @cached_property
    def _columns(self) -> tuple[Bools, Bools]:
        """Hits and trials, [n, 2 outcomes] each: parent and child of each outcome in turn."""
        pairs = [
            (side & one.among, one.among)
            for one in self.outcomes.values()
            for side in (one.parent, one.child)
        ]
        hits, trials = (np.stack([pair[k] for pair in pairs], axis=1) for k in (0, 1))
        return hits, trials

    def _column(self, name: str) -> int:
        return 2 * list(self.outcomes).index(name)

    def _reason(self, name: str, group: int) -> str:
        """Why nothing can be said of a group; empty where something can."""
        told = (self.silent or {}).get(group, "")
        if told or (self.outcomes[name].among & (self.grouping.codes == group)).any():
            return told
        return f"group {self.grouping.names[group]!r} has no row of this kind"


def _beside(
    outcome: Outcome,
    here: Bools,
    rates: Rates,
    weights: Floats,
    resampling: Resampling,
) -> Beside:
    rows = outcome.among & here
    within = resampling.of(rows)
    ones = np.ones(int(rows.sum()), bool)
    moved = (outcome.won.astype(np.int64) - outcome.lost)[rows]

    def test() -> float:
        return paired_test(moved, within.clusters, within.weights, within.counted)

    return Beside(
        int(rows.sum()),
        rate_of(outcome.parent[rows], ones, within),
        rate_of(outcome.child[rows], ones, within),
        contrast(rates, weights, resampling.confidence, test, n=int(rows.sum()), bound=1.0),
        int((outcome.lost & here).sum()),
        int((outcome.won & here).sum()),
    )
