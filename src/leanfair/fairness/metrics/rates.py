"""Rates by group and the metrics made of them, each with the interval of the very number shown.

Denominators. A selection rate is favourable decisions over *all* rows of a group: what is refused,
unparsed, abstained or failed is an outcome of its own, neither dropped from the denominator nor
favourable. The same goes for true positives (over all rows whose label is favourable), false
positives (over all others) and accuracy (over all rows). Each also comes `answered`: over the
answered rows alone. Where the two differ, it matters how refusals are seen.

Differences and ratios equal fairlearn's where those are defined. Where a group has no row to take a
rate of, fairlearn takes it as 0; here the metric is None, and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from leanfair.fairness.metrics.gap_intervals import (
    How,
    gain_interval,
    gap_interval,
    impact_interval,
    ratio_interval,
)
from leanfair.statistics import Interval, Ints, Rates, linear_interval, rate_interval, resampled

Bools: TypeAlias = NDArray[np.bool_]
Among: TypeAlias = Literal["all", "answered"]

MINIMUM_ANSWERED = 3
"""Of fewer answers, a group's rate is not shown: nothing follows from two."""
MINIMUM_SHARE = 0.02
"""Smaller groups are left out of ratios, before the highest rate is looked for (New York City's
Local Law 144 allows it); they are shown, and differences hold them."""

KINDS = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
_AMONG: tuple[Among, ...] = ("all", "answered")

DIFFERENCES: Mapping[str, tuple[tuple[str, ...], How]] = {
    "demographic_parity_difference": (("selection_rate",), "max"),
    "equal_opportunity_difference": (("true_positive_rate",), "max"),
    "average_odds_difference": (("true_positive_rate", "false_positive_rate"), "mean"),
    "equalized_odds_difference": (("true_positive_rate", "false_positive_rate"), "max"),
}
"""Highest rate less lowest; of two kinds of rates the mean or the larger of both (fairlearn's
`equalized_odds_difference` with agg "mean" and "worst_case")."""
RATIO = "demographic_parity_ratio"
METRICS = (*DIFFERENCES, RATIO)

GAPS: Mapping[str, Mapping[str, float]] = {
    "selection_rate": {"selection_rate": 1.0},
    "true_positive_rate": {"true_positive_rate": 1.0},
    "false_positive_rate": {"false_positive_rate": 1.0},
    "average_odds": {"true_positive_rate": 0.5, "false_positive_rate": 0.5},
}
"""Signed gaps: a group's rates less the reference group's (Hardt et al. 2016, arXiv 1610.02413;
average odds as in Bellamy et al. 2018, arXiv 1810.01943)."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of rows. `columns`: what they are by. `codes` [n]: the place of each row's group in
    `names`, -1 where the value of a column is unknown, or where the group is an intersection of a
    single row: those are in `alone`. `values`: those of each group's columns."""

    name: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: Ints
    alone: tuple[str, ...] = ()

    @cached_property
    def sizes(self) -> Ints:
        """The rows of each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).astype(np.int64)

    @property
    def unknown(self) -> int:
        """Rows whose group is unknown."""
        return int((self.codes < 0).sum()) - len(self.alone)

    @property
    def large(self) -> list[int]:
        """The groups that ratios hold."""
        least = MINIMUM_SHARE * self.sizes.sum()
        return [g for g, size in enumerate(self.sizes) if size >= least]


@dataclass(frozen=True, eq=False)
class Decided:
    """What one rule decided of n rows: whether favourably, at all, and as the label says."""

    favourable: Bools
    answered: Bools
    correct: Bools


class Board:
    """All rates of one grouping, rule by rule, from the same resamples: so gains are paired."""

    def __init__(
        self,
        grouping: Grouping,
        positive: Bools,
        decided: Mapping[str, Decided],
        clusters: Ints,
        rng: np.random.Generator,
        draws: int = 2000,
        confidence: float = 0.95,
        favourable: str = "favourable",
    ) -> None:
        """`positive` [n]: whether the label is favourable. `favourable`: what that is called."""
        self.grouping = grouping
        self.clusters = clusters
        self.confidence = confidence
        self.favourable = favourable
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
        self._rates = resampled(self._hits, self._trials, grouping.codes, clusters, rng, draws)
        known = grouping.codes >= 0
        self._answered = {
            rule: np.bincount(
                grouping.codes[decided[rule].answered & known], minlength=len(grouping.names)
            )
            for rule in self._rules
        }
        self._kept: dict[tuple[object, ...], Interval] = {}

    def rate(self, kind: str, rule: str, group: int, among: Among = "all") -> Interval:
        """A group's rate."""
        return self._once(self._rate, kind, self._first[rule], group, among)

    def _rate(self, kind: str, rule: str, group: int, among: Among) -> Interval:
        reason = self._silent(rule, [group]) or self._empty([kind], rule, [group], among)
        if reason:
            return Interval.none(reason)
        here = self.grouping.codes == group
        column = self._column(kind, rule, among)
        return rate_interval(
            self._hits[here, column],
            self._trials[here, column],
            self.clusters[here],
            self.confidence,
        )

    def metric(self, name: str, rule: str, among: Among = "all") -> Interval:
        """One of METRICS."""
        return self._once(self._metric, name, self._first[rule], among)

    def _metric(self, name: str, rule: str, among: Among) -> Interval:
        if name == RATIO:
            return self._ratio(rule, among)
        kinds, how = DIFFERENCES[name]
        reason = self._undefined(kinds, rule, among)
        if reason:
            return Interval.none(reason)
        return gap_interval(self._take(kinds, rule, among), how, self.confidence)

    def gain(self, name: str, before: str, after: str, among: Among = "all") -> Interval:
        """By how much the rule `after` makes one of DIFFERENCES smaller than `before` has it."""
        return self._once(self._gain, name, self._first[before], self._first[after], among)

    def _gain(self, name: str, before: str, after: str, among: Among) -> Interval:
        kinds, how = DIFFERENCES[name]
        for rule in (before, after):
            reason = self._undefined(kinds, rule, among)
            if reason:
                return Interval.none(reason)
        one, two = self._take(kinds, before, among), self._take(kinds, after, among)
        return gain_interval(one, two, how, self.confidence)

    def impact(self, rule: str, group: int, among: Among = "all") -> Interval:
        """A group's selection rate over the highest one of groups that are not too small."""
        return self._once(self._impact, self._first[rule], group, among)

    def _impact(self, rule: str, group: int, among: Among) -> Interval:
        held = self.grouping.large
        if group not in held:
            return Interval.none(self._too_small(group))
        reason = self._no_ratio(rule, held, among)
        if reason:
            return Interval.none(reason)
        rates = self._take(["selection_rate"], rule, among, held)
        return impact_interval(rates, held.index(group), self.confidence)

    def signed(
        self, gap: str, group: int, reference: int, rule: str, before: str | None = None
    ) -> Interval:
        """One of GAPS: `group` less `reference`; with `before`, its change from that rule's."""
        first = None if before is None else self._first[before]
        return self._once(self._signed, gap, group, reference, self._first[rule], first)

    def _signed(
        self, gap: str, group: int, reference: int, rule: str, before: str | None
    ) -> Interval:
        weights = np.zeros((self._rates.hits.shape[0], len(self.grouping.names)))
        for sign, each in ((1.0, rule), (-1.0, before)):
            if each is None:
                continue
            pair = [group, reference]
            reason = self._silent(each, pair) or self._empty(GAPS[gap], each, pair, "all")
            if reason:
                return Interval.none(reason)
            for kind, weight in GAPS[gap].items():
                column = self._column(kind, each, "all")
                weights[column, group] += sign * weight
                weights[column, reference] -= sign * weight
        bound = 1.0 if before is None else 2.0
        return linear_interval(self._rates, weights, self.confidence, bound=bound)

    def _once(self, measure: Callable[..., Interval], *given: object) -> Interval:
        """Rules that decide every row alike, as `gate` and `mean`, are measured once."""
        key = (measure.__name__, *given)
        if key not in self._kept:
            self._kept[key] = measure(*given)
        return self._kept[key]

    # ---- why there may be nothing to say --------------------------------------------------------

    def _undefined(self, kinds: Sequence[str], rule: str, among: Among) -> str:
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
        self, kinds: Sequence[str] | Mapping[str, float], rule: str, groups: Sequence[int],
        among: Among,
    ) -> str:  # fmt: skip
        missing = {
            "true_positive_rate": f"whose label is {self.favourable!r}",
            "false_positive_rate": f"whose label is not {self.favourable!r}",
        }
        answered = "answered row" if among == "answered" else "row"
        for kind in kinds:
            trials = self._rates.trials[self._column(kind, rule, among)]
            for g in groups:
                if trials[g] == 0:
                    what = missing.get(kind, "")
                    return f"group {self.grouping.names[g]!r} has no {answered} {what}".rstrip()
        return ""

    def _ratio(self, rule: str, among: Among) -> Interval:
        held = self.grouping.large
        reason = self._no_ratio(rule, held, among)
        if reason:
            return Interval.none(reason)
        rates = self._take(["selection_rate"], rule, among, held)
        return ratio_interval(rates, self.confidence)

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

    def _column(self, kind: str, rule: str, among: Among) -> int:
        place = self._rules.index(rule) * len(_AMONG) + _AMONG.index(among)
        return place * len(KINDS) + KINDS.index(kind)

    def _take(
        self, kinds: Sequence[str], rule: str, among: Among, groups: Sequence[int] | None = None
    ) -> Rates:
        return self._rates.take([self._column(kind, rule, among) for kind in kinds], groups)


def _first_alike(decided: Mapping[str, Decided]) -> dict[str, str]:
    """For each rule the first that decides every row alike. The first of all stays alone: that a
    rule changed nothing here does not mean that it never does."""
    first: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for place, (rule, one) in enumerate(decided.items()):
        key = b"".join(a.tobytes() for a in (one.favourable, one.answered, one.correct))
        first[rule] = seen.setdefault(key, rule) if place else rule
    return first


def _columns(one: Decided, positive: Bools, among: Among) -> list[tuple[Bools, Bools]]:
    """Hits and trials, in the order of KINDS."""
    rows = np.ones_like(one.answered) if among == "all" else one.answered
    return [
        (one.favourable & rows, rows),
        (one.favourable & positive & rows, positive & rows),
        (one.favourable & ~positive & rows, ~positive & rows),
        (one.correct & rows, rows),
    ]


def grouping_of(
    name: str, columns: Sequence[str], values: Sequence[Sequence[str | None]]
) -> Grouping:
    """The groups by `columns`, whose values for each row are in `values` [columns][n]: None where
    unknown. Of several columns, the groups are their intersections."""
    rows = list(zip(*values, strict=True))
    known = Counter(tuple(map(str, row)) for row in rows if None not in row)
    found = sorted(row for row, size in known.items() if size > 1)
    places: dict[tuple[str | None, ...], int] = {row: g for g, row in enumerate(found)}
    codes = np.array([places.get(row, -1) for row in rows], np.int64)
    names = tuple(" & ".join(row) for row in found)
    alone = tuple(" & ".join(row) for row in sorted(known) if known[row] == 1)
    return Grouping(name, tuple(columns), names, tuple(found), codes, alone)


def measure(
    labels: Sequence[bool] | Bools,
    decisions: Sequence[bool] | Bools,
    groups: Sequence[str],
    *,
    answered: Sequence[bool] | Bools | None = None,
    among: Among = "all",
    clusters: Sequence[int] | Ints | None = None,
    seed: int = 0,
    draws: int = 2000,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """METRICS of plain arrays: whether each row's label, and its decision, is favourable."""
    positive, favourable = np.asarray(labels, bool), np.asarray(decisions, bool)
    replied = np.ones(len(positive), bool) if answered is None else np.asarray(answered, bool)
    own = np.arange(len(positive)) if clusters is None else np.asarray(clusters, np.int64)
    board = Board(
        grouping_of("group", ["group"], [list(groups)]),
        positive,
        {"none": Decided(favourable & replied, replied, (favourable == positive) & replied)},
        own,
        np.random.default_rng(seed),
        draws,
        confidence,
    )
    return {name: board.metric(name, "none", among) for name in METRICS}
