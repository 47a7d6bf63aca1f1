"""How often groups are answered, refused, and scored above the median: outcomes beside selection.

Not being answered is an outcome: a judge that answers one group only has decided about the others.
The scoring rate is the share of a group's scored rows that lie above the median score of all scored
rows (6 RCNY 5-300, New York City's rules for Local Law 144).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from leanfair.fairness.metrics.gap_intervals import gap_interval, impact_interval
from leanfair.fairness.metrics.groupings import MINIMUM_SHARE, Grouping
from leanfair.fairness.schema import OutcomeName
from leanfair.statistics import Bools, Floats, Interval, Resampling, rate_of, resampled

OUTCOMES: tuple[OutcomeName, ...] = ("answer_rate", "refusal_rate", "scoring_rate")
NO_SCORES = "decisions came without scores"
_FEWEST_SCORES = 3
"""With fewer different scores, they only repeat the decisions."""


class OutcomeRates:
    """The rates of one grouping under one rule.

    `status` [n]: how each row went; `scores` [n]: NaN where a row has none.
    """

    def __init__(
        self,
        grouping: Grouping,
        status: Sequence[str],
        scores: Floats,
        resampling: Resampling,
        rng: np.random.Generator,
    ) -> None:
        self.grouping = grouping
        self.resampling = resampling
        told = np.asarray(status)
        rows = np.ones(len(told), bool)
        self.median = median_of(scores, resampling.weights)
        scored = ~np.isnan(scores) if self.median is not None else np.zeros(len(told), bool)
        above = scored & (np.nan_to_num(scores, nan=-np.inf) > (self.median or 0.0))
        self._columns: Mapping[OutcomeName, tuple[Bools, Bools]] = {
            "answer_rate": (told == "answered", rows),
            "refusal_rate": (told == "refused", rows),
            "scoring_rate": (above, scored),
        }
        pairs = self._columns.values()
        hits, trials = (np.stack([pair[side] for pair in pairs], axis=1) for side in (0, 1))
        self._rates = resampled(hits, trials, grouping.codes, resampling, rng)

    def hits(self, name: OutcomeName) -> Bools:
        """Whether each row is one of those that are counted, [n]."""
        return self._columns[name][0]

    def rate(self, name: OutcomeName, group: int) -> Interval:
        """The rate of a group, with its interval."""
        if reason := self._undefined(name, [group]):
            return Interval.none(reason)
        here = self.grouping.codes == group
        hits, trials = self._columns[name]
        return rate_of(hits[here], trials[here], self.resampling.of(here))

    def gap(self, name: OutcomeName) -> Interval:
        """The highest rate of the groups less the lowest."""
        groups = range(len(self.grouping.names))
        if len(groups) < 2:
            return Interval.none("there are fewer than two groups to compare")
        if reason := self._undefined(name, groups):
            return Interval.none(reason)
        taken = self._rates.take([OUTCOMES.index(name)])
        return gap_interval(taken, "max", self.resampling.confidence)

    def ratio(self, name: OutcomeName, group: int) -> Interval:
        """A group's rate over the highest one, among the groups that are large enough."""
        held = self.grouping.large
        if group not in held:
            share = self.grouping.shares[group]
            return Interval.none(f"the group holds {share:.1%}, less than {MINIMUM_SHARE:.0%}")
        if len(held) < 2:
            return Interval.none(f"fewer than two groups hold {MINIMUM_SHARE:.0%} of the rows")
        if reason := self._undefined(name, held):
            return Interval.none(reason)
        taken = self._rates.take([OUTCOMES.index(name)], held)
        if not taken.hits.any():
            return Interval.none("no group has a single one")
        return impact_interval(taken, held.index(group), self.resampling.confidence)

    def _undefined(self, name: OutcomeName, groups: Sequence[int]) -> str:
        if name == "scoring_rate" and self.median is None:
            return NO_SCORES
        trials = self._rates.trials[OUTCOMES.index(name)]
        for g in groups:
            if trials[g] == 0:
                return f"group {self.grouping.names[g]!r} has no row with a score"
        return ""


def median_of(scores: Floats, weights: Floats | None = None) -> float | None:
    """The median of the scores that there are, each counted by its weight; None where they tell no
    more than decisions would."""
    known = ~np.isnan(scores)
    if len(np.unique(scores[known])) < _FEWEST_SCORES:
        return None
    order = np.argsort(scores[known], kind="stable")
    ranked = scores[known][order]
    counted = np.ones(len(ranked)) if weights is None else weights[known][order]
    reached = np.cumsum(counted) / counted.sum()
    place = int(np.searchsorted(reached, 0.5 - 1e-12))
    if abs(reached[place] - 0.5) < 1e-12 and place + 1 < len(ranked):
        return float((ranked[place] + ranked[place + 1]) / 2)
    return float(ranked[place])
