"""Rates by group and the fairness metrics computed from them, each with its confidence interval.

Denominators. A selection rate is favourable decisions over *all* rows of a group: a decision that
is refused, unparsed, abstained or failed stays in the denominator and is not favourable. The same
holds for true positives (over all rows whose label is favourable), false positives (over all
others) and accuracy (over all rows). Each rate also exists among "answered": over the answered rows
alone. Where the two differ, the conclusion depends on how refusals are treated.

Differences and ratios equal fairlearn's where those are defined. Where a group has no row to take a
rate of, fairlearn sets the rate to 0; here the metric is None, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from leanfair.fairness.metrics.gap_intervals import (
    How,
    gain_interval,
    gap_interval,
    impact_interval,
    ratio_interval,
)
from leanfair.fairness.metrics.groupings import MINIMUM_SHARE, Grouping
from leanfair.fairness.schema import DifferenceName, GapName, MetricName, RateName
from leanfair.statistics import (
    Bools,
    Interval,
    Rates,
    Resampling,
    linear_interval,
    rate_of,
    resampled,
)

Among: TypeAlias = Literal["all", "answered"]

MINIMUM_ANSWERED = 3
"""With fewer answered rows, a group's rate is not reported."""
NO_LABEL = "no label says what is right"
"""Why there is no accuracy, and no rate among those who merit it."""

KINDS: tuple[RateName, ...] = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "accuracy",
)
_AMONG: tuple[Among, ...] = ("all", "answered")

DIFFERENCES: Mapping[DifferenceName, tuple[tuple[RateName, ...], How]] = {
    "demographic_parity_difference": (("selection_rate",), "max"),
    "equal_opportunity_difference": (("true_positive_rate",), "max"),
    "average_odds_difference": (("true_positive_rate", "false_positive_rate"), "mean"),
    "equalized_odds_difference": (("true_positive_rate", "false_positive_rate"), "max"),
}
"""Highest rate minus lowest; for two kinds of rates, the mean or the larger of both differences
(fairlearn's `equalized_odds_difference` with agg "mean" and "worst_case")."""
RATIO: Literal["demographic_parity_ratio"] = "demographic_parity_ratio"
METRICS: tuple[MetricName, ...] = (*DIFFERENCES, RATIO)

GAPS: Mapping[GapName, Mapping[RateName, float]] = {
    "selection_rate": {"selection_rate": 1.0},
    "true_positive_rate": {"true_positive_rate": 1.0},
    "false_positive_rate": {"false_positive_rate": 1.0},
    "average_odds": {"true_positive_rate": 0.5, "false_positive_rate": 0.5},
}
"""Signed gaps: a group's rates minus those of the reference group (Hardt et al. 2016, arXiv
1610.02413; average odds as in Bellamy et al. 2018, arXiv 1810.01943)."""


@dataclass(frozen=True, eq=False)
class Decided:
    """The decisions of one rule about n rows: whether favourable, answered, equal to the label."""

    favourable: Bools
    answered: Bools
    correct: Bools


class GroupRates:
    """The rates of one grouping under every rule, from the same resamples, so gains are paired."""

    def __init__(
        self,
        grouping: Grouping,
        positive: Bools | None,
        decided: Mapping[str, Decided],
        resampling: Resampling,
        rng: np.random.Generator,
        favourable: str = "favourable",
    ) -> None:
        """`positive` [n]: whether the label is favourable, None where there is no label, so that
        selection rates are all there is. `favourable`: that option's name."""
        self.grouping = grouping
        self.resampling = resampling
        self.confidence = resampling.confidence
        self.favourable = favourable
        self.labelled = positive is not None
        self._first = _first_alike(decided)
        self._rules = tuple(dict.fromkeys(self._first.values()))
        columns = [
            column
            for rule in self._rules
            for among in _AMONG
            for column in _columns(decided[rule], positive, among)
        ]
        self._hits = np.stack([hits for hits, _ in columns], axis=1)
        self._trials = np.stack([trials for _, trials in columns], axis=1)
        self._rates = resampled(self._hits, self._trials, grouping.codes, resampling, rng)
        known = grouping.codes >= 0
        self._answered = {
            rule: np.bincount(
                grouping.codes[decided[rule].answered & known], minlength=len(grouping.names)
            )
            for rule in self._rules
        }
        self._kept: dict[tuple[object, ...], Interval] = {}

    def rate(self, kind: RateName, rule: str, group: int, among: Among = "all") -> Interval:
        """One of KINDS for a group, with its interval."""
        return self._once(self._rate, kind, self._first[rule], group, among)

    def _rate(self, kind: RateName, rule: str, group: int, among: Among) -> Interval:
        if reason := self._silent(rule, [group]) or self._empty([kind], rule, [group], among):
            return Interval.none(reason)
        here = self.grouping.codes == group
        column = self._column(kind, rule, among)
        hits, trials = self._hits[here, column], self._trials[here, column]
        return rate_of(hits, trials, self.resampling.of(here))

    def metric(self, name: MetricName, rule: str, among: Among = "all") -> Interval:
        """One of METRICS over all groups."""
        return self._once(self._metric, name, self._first[rule], among)

    def _metric(self, name: MetricName, rule: str, among: Among) -> Interval:
        if name == "demographic_parity_ratio":
            return self._ratio(rule, among)
        kinds, how = DIFFERENCES[name]
        if reason := self._undefined(kinds, rule, among):
            return Interval.none(reason)
        return gap_interval(self._take(kinds, rule, among), how, self.confidence)

    def gain(self, name: DifferenceName, before: str, after: str, among: Among = "all") -> Interval:
        """One of DIFFERENCES under the rule `before` minus the same under `after`."""
        return self._once(self._gain, name, self._first[before], self._first[after], among)

    def _gain(self, name: DifferenceName, before: str, after: str, among: Among) -> Interval:
        kinds, how = DIFFERENCES[name]
        for rule in (before, after):
            if reason := self._undefined(kinds, rule, among):
                return Interval.none(reason)
        one, two = self._take(kinds, before, among), self._take(kinds, after, among)
        return gain_interval(one, two, how, self.confidence)

    def impact(self, rule: str, group: int, among: Among = "all") -> Interval:
        """A group's selection rate over the highest one among the groups of `Grouping.large`."""
        return self._once(self._impact, self._first[rule], group, among)

    def _impact(self, rule: str, group: int, among: Among) -> Interval:
        held = self.grouping.large
        if group not in held:
            return Interval.none(self._too_small(group))
        if reason := self._no_ratio(rule, held, among):
            return Interval.none(reason)
        rates = self._take(["selection_rate"], rule, among, held)
        return impact_interval(rates, held.index(group), self.confidence)

    def signed(
        self, gap: GapName, group: int, reference: int, rule: str, before: str | None = None
    ) -> Interval:
        """One of GAPS, `group` minus `reference`; with `before`, its change from that rule."""
        first = None if before is None else self._first[before]
        return self._once(self._signed, gap, group, reference, self._first[rule], first)

    def _signed(
        self, gap: GapName, group: int, reference: int, rule: str, before: str | None
    ) -> Interval:
        weights = np.zeros((self._rates.hits.shape[0], len(self.grouping.names)))
        for sign, each in ((1.0, rule), (-1.0, before)):
            if each is None:
                continue
            pair = [group, reference]
            if reason := self._silent(each, pair) or self._empty(GAPS[gap], each, pair, "all"):
                return Interval.none(reason)
            for kind, weight in GAPS[gap].items():
                column = self._column(kind, each, "all")
                weights[column, group] += sign * weight
                weights[column, reference] -= sign * weight
        bound = 1.0 if before is None else 2.0
        return linear_interval(self._rates, weights, self.confidence, bound=bound)

    def _once(self, measure: Callable[..., Interval], *given: object) -> Interval:
        """Rules that decide every row alike share a key, so each number is computed once."""
        if (key := (measure.__name__, *given)) not in self._kept:
            self._kept[key] = measure(*given)
        return self._kept[key]

    # ---- reasons why a number is undefined; empty where it is defined ---------------------------

    def _undefined(self, kinds: Sequence[RateName], rule: str, among: Among) -> str:
        groups = range(len(self.grouping.names))
        if len(groups) < 2:
            return "there are fewer than two groups to compare"
        return self._silent(rule, groups) or self._empty(kinds, rule, groups, among)

    def _silent(self, rule: str, groups: Sequence[int]) -> str:
        for g in groups:
            answered, size = int(self._answered[rule][g]), int(self.grouping.sizes[g])
            if answered < min(MINIMUM_ANSWERED, size) or answered == 0:
                return (
                    f"of {size} rows of group {self.grouping.names[g]!r} only {answered} were "
                    f"answered: too few to say anything"
                )
        return ""

    def _empty(
        self, kinds: Iterable[RateName], rule: str, groups: Sequence[int],
        among: Among,
    ) -> str:  # fmt: skip
        missing = {
            "true_positive_rate": f"whose label is {self.favourable!r}",
            "false_positive_rate": f"whose label is not {self.favourable!r}",
        }
        rows = "answered row" if among == "answered" else "row"
        for kind in kinds:
            if kind != "selection_rate" and not self.labelled:
                return NO_LABEL
            trials = self._rates.trials[self._column(kind, rule, among)]
            for g in groups:
                if trials[g] == 0:
                    name, what = self.grouping.names[g], missing.get(kind, "")
                    return f"group {name!r} has no {rows} {what}".rstrip()
        return ""

    def _ratio(self, rule: str, among: Among) -> Interval:
        held = self.grouping.large
        if reason := self._no_ratio(rule, held, among):
            return Interval.none(reason)
        return ratio_interval(self._take(["selection_rate"], rule, among, held), self.confidence)

    def _no_ratio(self, rule: str, held: Sequence[int], among: Among) -> str:
        if len(held) < 2:
            return f"fewer than two groups hold {MINIMUM_SHARE:.0%} of the rows"
        reason = self._silent(rule, held) or self._empty(["selection_rate"], rule, held, among)
        if not reason and not self._take(["selection_rate"], rule, among, held).hits.any():
            reason = f"no group has a decision for {self.favourable!r}"
        return reason

    def _too_small(self, group: int) -> str:
        share = self.grouping.sizes[group] / self.grouping.sizes.sum()
        return (
            f"group {self.grouping.names[group]!r} holds {share:.1%} of the rows: below "
            f"{MINIMUM_SHARE:.0%}, a ratio would be noise"
        )

    # ---- columns --------------------------------------------------------------------------------

    def _column(self, kind: RateName, rule: str, among: Among) -> int:
        place = self._rules.index(rule) * len(_AMONG) + _AMONG.index(among)
        return place * len(KINDS) + KINDS.index(kind)

    def _take(
        self,
        kinds: Sequence[RateName],
        rule: str,
        among: Among,
        groups: Sequence[int] | None = None,
    ) -> Rates:
        return self._rates.take([self._column(kind, rule, among) for kind in kinds], groups)


def _first_alike(decided: Mapping[str, Decided]) -> dict[str, str]:
    """For each rule the first rule that decides every row alike.

    The very first rule ("none") stands for itself alone: that another rule changed no decision here
    does not mean that it never would, so its gain keeps an interval."""
    first: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for place, (rule, one) in enumerate(decided.items()):
        key = b"".join(a.tobytes() for a in (one.favourable, one.answered, one.correct))
        first[rule] = seen.setdefault(key, rule) if place else rule
    return first


def _columns(one: Decided, positive: Bools | None, among: Among) -> list[tuple[Bools, Bools]]:
    """Hits and trials of each of KINDS, in that order; none of those that need a label."""
    rows = np.ones_like(one.answered) if among == "all" else one.answered
    if positive is None:
        none = np.zeros_like(rows)
        return [(one.favourable & rows, rows), (none, none), (none, none), (none, none)]
    return [
        (one.favourable & rows, rows),
        (one.favourable & positive & rows, positive & rows),
        (one.favourable & ~positive & rows, ~positive & rows),
        (one.correct & rows, rows),
    ]
