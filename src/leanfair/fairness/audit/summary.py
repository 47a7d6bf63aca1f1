"""summary.json of an audit: what was found, in stable, documented keys and plain JSON types.

Every interval is {"value", "low", "high"}: all three null, with a "reason", where nothing can be
said. The audited `rule` is the judge's own: "none" for a plain judge, and that of `mitigate` else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from leanfair.fairness.audit import decomposition as decompose
from leanfair.fairness.audit import flips
from leanfair.fairness.audit.evidence import Evidence, decided
from leanfair.fairness.audit.table import Table
from leanfair.fairness.metrics.rates import (
    DIFFERENCES,
    GAPS,
    KINDS,
    METRICS,
    MINIMUM_ANSWERED,
    MINIMUM_SHARE,
    Among,
    Decided,
    Grouping,
    GroupRates,
)
from leanfair.fairness.rules import Outcome
from leanfair.statistics import (
    Bools,
    Interval,
    Resampling,
    benjamini_hochberg,
    fisher,
    linear_interval,
    rate_interval,
    resampled,
)

STATUSES = ("answered", "refused", "unparsed", "abstained", "failed")
FOUR_FIFTHS = 0.8
"""A rule of thumb of United States employment agencies (29 CFR 1607.4 D) for selection rates; no
threshold of New York City's Local Law 144, which has none."""

_NO_ATTRIBUTE = "no attribute was named"
_NOT_VARIED = "no row could be varied"


@dataclass(frozen=True, eq=False)
class Study:
    """All that a summary is made of. `rules`: "none" first. `rule`: the audited judge's own."""

    table: Table
    evidence: Evidence
    rules: tuple[str, ...]
    rule: str
    favourable: str
    attribute: str | None
    reference: str | None
    resampling: Resampling

    @cached_property
    def outcomes(self) -> Mapping[str, list[Outcome]]:
        """What each rule decided of each row."""
        return {rule: self.evidence.outcomes(rule) for rule in self.rules}

    @cached_property
    def decided(self) -> Mapping[str, Decided]:
        """The same as arrays."""
        return {
            rule: decided(found, self.table.truth, self.favourable)
            for rule, found in self.outcomes.items()
        }

    @cached_property
    def positive(self) -> Bools:
        """Whether each row's label is the favourable one."""
        return np.array([label == self.favourable for label in self.table.truth], bool)

    @cached_property
    def group_rates(self) -> list[GroupRates]:
        """The rates of each grouping."""
        return [
            GroupRates(
                grouping,
                self.positive,
                self.decided,
                self.resampling,
                self.resampling.rng(i),
                self.favourable,
            )
            for i, grouping in enumerate(self.table.groupings)
        ]


def results(study: Study) -> dict[str, Any]:
    """What was measured."""
    attribute_flips = _flips(study)
    main = study.group_rates[-1]
    accuracy = {
        among: {rule: _accuracy(study, rule, among) for rule in study.rules}
        for among in ("all", "answered")
    }
    metrics = {name: _by_rule(study, main, name) for name in METRICS}
    metrics["accuracy"] = _plain(accuracy["all"])
    metrics["accuracy_among_answered"] = _plain(accuracy["answered"])
    metrics["flip_rate"] = _plain(attribute_flips)
    pairs = _pairs(study)
    placebo = flips.against_placebo(study.evidence, study.resampling, study.resampling.rng(100))
    return {
        "n": len(study.table),
        "rule": study.rule,
        "rules": list(study.rules),
        "outcomes": {rule: _counts(study, rule, None) for rule in study.rules},
        "flip_rate": {rule: found.value for rule, found in attribute_flips.items()},
        "placebo_flip_rate": placebo["flip_rate"]["value"],
        "accuracy": {rule: found.value for rule, found in accuracy["all"].items()},
        "metrics": metrics,
        "gains": _gains(study, main) | {"accuracy": _accuracy_gains(study)},
        "groups": _groups(study),
        "groupings": [_grouping(study, i) for i in range(len(study.group_rates))],
        "flips": {
            "values": flips.values_of(study.evidence.sets),
            "comparable": sum(flip is not None for flip in study.evidence.flipped()),
            "flipped": sum(flip is True for flip in study.evidence.flipped()),
            "pairs": pairs,
            "placebo": placebo,
            "examples": flips.examples(study.evidence, study.table.truth),
        },
        "forward_passes": study.evidence.asked,
        "forward_passes_by_rule": {rule: study.evidence.passes(rule) for rule in study.rules},
    }


# ---- all rows -----------------------------------------------------------------------------------


def _flips(study: Study) -> dict[str, Interval]:
    if study.attribute is None:
        return {rule: Interval.none(_NO_ATTRIBUTE) for rule in study.rules}
    before = flips.flip_rate(study.evidence.flipped(), study.resampling, _NOT_VARIED)
    after: dict[str, Interval] = {"none": before}
    for rule in study.rules[1:]:
        found = study.evidence.flips_of(rule)
        rate = flips.flip_rate(found, study.resampling, _NOT_VARIED)
        # no chance is left where a rule cannot but decide alike: there is no interval to give
        after[rule] = Interval(0.0, 0.0, 0.0) if rate.value == 0 else rate
    return after


def _pairs(study: Study) -> list[dict[str, Any]]:
    return flips.pairs(
        study.evidence,
        study.favourable,
        study.resampling,
        study.resampling.rng(101),
    )


def _accuracy(study: Study, rule: str, among: str) -> Interval:
    one = study.decided[rule]
    rows = one.answered if among == "answered" else np.ones_like(one.answered)
    if one.answered.sum() < min(MINIMUM_ANSWERED, len(study.table)):
        return Interval.none(f"only {int(one.answered.sum())} rows were answered: too few")
    return rate_interval(
        one.correct[rows],
        rows[rows],
        study.resampling.clusters[rows],
        study.resampling.confidence,
    )


def _accuracy_gains(study: Study) -> dict[str, Any]:
    hits = np.stack([study.decided[rule].correct for rule in study.rules], axis=1)
    group = np.zeros(len(hits), np.int64)
    rates = resampled(hits, np.ones_like(hits), group, study.resampling, study.resampling.rng(102))
    found = {}
    for i, rule in enumerate(study.rules[1:], start=1):
        weights = np.zeros((len(study.rules), 1))
        weights[i], weights[0] = 1.0, -1.0
        found[rule] = linear_interval(rates, weights, study.resampling.confidence).to_json()
    return found


def _counts(study: Study, rule: str, grouping: tuple[Grouping, int] | None) -> dict[str, int]:
    """How many rows had each outcome, favourable ones besides; of one group or of all rows."""
    found = study.outcomes[rule]
    rows: Sequence[int] = range(len(found))
    if grouping is not None:
        rows = np.flatnonzero(grouping[0].codes == grouping[1]).tolist()
    counts: Counter[str] = Counter(found[i][2] for i in rows)
    favourable = sum(found[i][0] == study.favourable for i in rows)
    return {**{status: counts[status] for status in STATUSES}, "favourable": favourable}


# ---- groupings ----------------------------------------------------------------------------------


def _grouping(study: Study, place: int) -> dict[str, Any]:
    board, grouping = study.group_rates[place], study.table.groupings[place]
    reference = reference_of(grouping, study.reference)
    return {
        "name": grouping.name,
        "columns": list(grouping.columns),
        "groups": [group_key(study.table.groupings, grouping, name) for name in grouping.names],
        "alone": list(grouping.alone),
        "unknown": grouping.unknown,
        "reference": grouping.names[reference],
        "metrics": {name: _by_rule(study, board, name) for name in METRICS},
        "metrics_among_answered": {
            name: _by_rule(study, board, name, "answered") for name in METRICS
        },
        "gains": _gains(study, board),
        "gaps": _signed(study, board, reference),
        "decomposition": _decomposition(study, place, reference),
    }


def reference_of(grouping: Grouping, asked: str | None) -> int:
    """The group that others are compared with: the one asked for, else the largest."""
    if asked in grouping.names:
        return grouping.names.index(asked)
    return int(grouping.sizes.argmax())


def group_key(groupings: Sequence[Grouping], grouping: Grouping, name: str) -> str:
    """A group's name, with its column where another column has a group of that name."""
    several = sum(name in (*other.names, *other.alone) for other in groupings) > 1
    return f"{grouping.name}: {name}" if several else name


def _by_rule(study: Study, board: GroupRates, name: str, among: Among = "all") -> dict[str, Any]:
    return {rule: board.metric(name, rule, among).to_json() for rule in study.rules}


def _gains(study: Study, board: GroupRates) -> dict[str, Any]:
    return {
        name: {rule: board.gain(name, "none", rule).to_json() for rule in study.rules[1:]}
        for name in DIFFERENCES
    }


def _signed(study: Study, board: GroupRates, reference: int) -> dict[str, Any]:
    """Each group's rates less the reference's, and how each rule changes that."""
    return {
        name: {
            gap: {
                "by_rule": {
                    rule: board.signed(gap, g, reference, rule).to_json() for rule in study.rules
                },
                "change": {
                    rule: board.signed(gap, g, reference, rule, "none").to_json()
                    for rule in study.rules[1:]
                },
            }
            for gap in GAPS
        }
        for g, name in enumerate(board.grouping.names)
        if g != reference
    }


def _decomposition(study: Study, place: int, reference: int) -> dict[str, Any] | None:
    if study.attribute is None:
        return None
    return decompose.parts_of_gaps(
        study.table.groupings[place],
        reference,
        study.evidence.sets,
        study.decided["none"].favourable,
        study.favourable,
        study.resampling,
        study.resampling.rng(200 + place),
    )


# ---- groups -------------------------------------------------------------------------------------


def _groups(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = {}
    groupings = study.table.groupings
    for board, grouping in zip(study.group_rates, groupings, strict=True):
        tests = {rule: _tests(study, grouping, rule) for rule in study.rules}
        for g, name in enumerate(grouping.names):
            found[group_key(groupings, grouping, name)] = _group(study, board, g, tests)
        for name in grouping.alone:
            found[group_key(groupings, grouping, name)] = {
                "grouping": grouping.name,
                "n": 1,
                "selection_rate": None,
                "impact_ratio": None,
                "reason": "one row: no rate follows from it",
            }
    return found


def _group(
    study: Study, board: GroupRates, g: int, tests: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    grouping = board.grouping
    by_rule = {rule: {**_rates(study, board, g, rule), **tests[rule][g]} for rule in study.rules}
    own = by_rule[study.rule]
    return {
        "grouping": grouping.name,
        "values": dict(zip(grouping.columns, grouping.values[g], strict=True)),
        "n": int(grouping.sizes[g]),
        "share": float(grouping.sizes[g] / grouping.sizes.sum()),
        "in_ratio": g in grouping.large,
        **{key: own[key] for key in (*STATUSES, "favourable")},
        "selection_rate": own["selection_rate"]["value"],
        "impact_ratio": own["impact_ratio"]["value"],
        "by_rule": by_rule,
    }


def _rates(study: Study, board: GroupRates, g: int, rule: str) -> dict[str, Any]:
    counts = _counts(study, rule, (board.grouping, g))
    size = int(board.grouping.sizes[g])
    impact = board.impact(rule, g)
    return {
        **counts,
        **{kind: board.rate(kind, rule, g).to_json() for kind in KINDS},
        "selection_rate_among_answered": board.rate(
            "selection_rate", rule, g, "answered"
        ).to_json(),
        # where those without an answer would lie, had they been decided one way or the other
        "selection_rate_bounds": [
            counts["favourable"] / size,
            (counts["favourable"] + size - counts["answered"]) / size,
        ],
        "impact_ratio": impact.to_json(),
        "four_fifths": _thumb(impact),
    }


def _thumb(impact: Interval) -> str | None:
    """Whether the whole interval lies below four fifths, not below, or neither ("open")."""
    if impact.low is None or impact.high is None:
        return None
    if impact.high < FOUR_FIFTHS:
        return "below"
    return "not below" if impact.low >= FOUR_FIFTHS else "open"


def _tests(study: Study, grouping: Grouping, rule: str) -> list[dict[str, Any]]:
    """Fisher's exact test of each group's selection against all others', adjusted over the groups.
    It needs independent rows."""
    if len(np.unique(study.table.clusters)) < len(study.table) or len(grouping.names) < 2:
        return [{"p": None, "p_adjusted": None}] * len(grouping.names)
    favourable = study.decided[rule].favourable
    found = []
    for g in range(len(grouping.names)):
        here, others = grouping.codes == g, (grouping.codes != g) & (grouping.codes >= 0)
        hits, other = int(favourable[here].sum()), int(favourable[others].sum())
        found.append(fisher(hits, int(here.sum()) - hits, other, int(others.sum()) - other))
    adjusted = benjamini_hochberg(found)
    return [{"p": p, "p_adjusted": q} for p, q in zip(found, adjusted, strict=True)]


def _plain(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: one.to_json() for name, one in found.items()}


def settings(study: Study) -> dict[str, Any]:
    """How it was measured."""
    return {
        "favourable": study.favourable,
        "group": list(study.table.groupings[-1].columns),
        "placebo": study.evidence.placebo.kind or None,
        "seed": study.resampling.seed,
        "bootstrap": study.resampling.draws,
        "confidence": study.resampling.confidence,
        "minimum_answered": MINIMUM_ANSWERED,
        "minimum_share": MINIMUM_SHARE,
        "four_fifths": FOUR_FIFTHS,
        "denominators": "all rows of a group, answered or not; among_answered: answered rows alone",
    }
