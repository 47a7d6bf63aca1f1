"""The groups and groupings of summary.json: rates, gaps and tests by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.decomposition import parts_of_gaps
from leanfair.fairness.audit.entries import interval_entry
from leanfair.fairness.audit.inputs import AuditInput, Tests
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.metrics.outcomes import OUTCOMES, OutcomeRates
from leanfair.fairness.metrics.rates import DIFFERENCES, GAPS, METRICS, Among, GroupRates
from leanfair.statistics import Interval

FOUR_FIFTHS = 0.8
"""A rule of thumb of United States employment agencies (29 CFR 1607.4 D) for selection rates; no
threshold of New York City's Local Law 144, which has none."""


def counts(
    given: AuditInput, rule: str, grouping: Grouping | None = None, group: int = 0
) -> schema.Counts:
    """How many rows had each outcome under a rule: of all rows, or of one group."""
    outcomes = given.outcomes[rule]
    rows: Sequence[int] = range(len(outcomes))
    if grouping is not None:
        rows = np.flatnonzero(grouping.codes == group).tolist()
    statuses = Counter(outcomes[i][2] for i in rows)
    return {
        "answered": statuses["answered"],
        "refused": statuses["refused"],
        "unparsed": statuses["unparsed"],
        "abstained": statuses["abstained"],
        "failed": statuses["failed"],
        "favourable": sum(outcomes[i][0] == given.favourable for i in rows),
    }


# ---- groupings ----------------------------------------------------------------------------------


def groupings_of(given: AuditInput) -> list[schema.Grouping]:
    """The key `groupings`."""
    return [_grouping(given, place) for place in range(len(given.table.groupings))]


def _grouping(given: AuditInput, place: int) -> schema.Grouping:
    rates, grouping = given.group_rates[place], given.table.groupings[place]
    reference = reference_of(grouping, given.reference)
    return {
        "name": grouping.name,
        "columns": list(grouping.columns),
        "groups": [group_key(given.table.groupings, grouping, name) for name in grouping.names],
        "alone": list(grouping.alone),
        "unknown": grouping.unknown,
        "reference": grouping.names[reference],
        "metrics": metrics_of(given, rates),
        "outcome_gaps": {
            name: {
                rule: interval_entry(given.outcome_rates[place][rule].gap(name))
                for rule in given.rules
            }
            for name in OUTCOMES
        },
        "parity_at_most": {rule: parity_at_most(given, grouping, rule) for rule in given.rules},
        "metrics_among_answered": metrics_of(given, rates, "answered"),
        "gains": gains_of(given, rates),
        "gaps": _gaps(given, rates, reference),
        "decomposition": _decomposition(given, place, reference),
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


def metrics_of(
    given: AuditInput, rates: GroupRates, among: Among = "all"
) -> dict[schema.MetricName, schema.ByRule]:
    """Every metric of a grouping under every rule."""
    return {
        name: {rule: interval_entry(rates.metric(name, rule, among)) for rule in given.rules}
        for name in METRICS
    }


def gains_of(given: AuditInput, rates: GroupRates) -> dict[schema.DifferenceName, schema.ByRule]:
    """Every difference without a rule minus the same under each rule."""
    return {
        name: {rule: interval_entry(rates.gain(name, "none", rule)) for rule in given.rules[1:]}
        for name in DIFFERENCES
    }


def _gaps(
    given: AuditInput, rates: GroupRates, reference: int
) -> dict[str, dict[schema.GapName, schema.Gap]]:
    """Each group's rates minus the reference group's, and how each rule changes that."""
    return {
        name: {gap: _gap(given, rates, gap, g, reference) for gap in GAPS}
        for g, name in enumerate(rates.grouping.names)
        if g != reference
    }


def _gap(
    given: AuditInput, rates: GroupRates, gap: schema.GapName, g: int, reference: int
) -> schema.Gap:
    return {
        "by_rule": {
            rule: interval_entry(rates.signed(gap, g, reference, rule)) for rule in given.rules
        },
        "change": {
            rule: interval_entry(rates.signed(gap, g, reference, rule, "none"))
            for rule in given.rules[1:]
        },
    }


def _decomposition(
    given: AuditInput, place: int, reference: int
) -> dict[str, schema.GapParts] | None:
    if given.attributes is None:
        return None
    return parts_of_gaps(
        given.table.groupings[place],
        reference,
        given.evidence.directed,
        given.decided["none"].favourable,
        given.favourable,
        given.resampling,
        given.resampling.rng(200 + place),
    )


# ---- groups -------------------------------------------------------------------------------------


def groups_of(given: AuditInput) -> dict[str, schema.Group | schema.SingleRowGroup]:
    """The key `groups`."""
    groups: dict[str, schema.Group | schema.SingleRowGroup] = {}
    groupings = given.table.groupings
    for place, grouping in enumerate(groupings):
        tests = {rule: _tests(given, grouping, rule) for rule in given.rules}
        for g, name in enumerate(grouping.names):
            groups[group_key(groupings, grouping, name)] = _group(given, place, g, tests)
        for name in grouping.alone:
            groups[group_key(groupings, grouping, name)] = {
                "grouping": grouping.name,
                "n": 1,
                "selection_rate": None,
                "impact_ratio": None,
                "reason": "one row: no rate follows from it",
            }
    return groups


def _group(given: AuditInput, place: int, g: int, tests: Mapping[str, Tests]) -> schema.Group:
    grouping = given.table.groupings[place]
    by_rule = {rule: _outcome(given, place, g, rule, tests[rule][g]) for rule in given.rules}
    own = by_rule[given.rule]
    return {
        "grouping": grouping.name,
        "values": dict(zip(grouping.columns, grouping.values[g], strict=True)),
        "n": int(grouping.sizes[g]),
        "share": float(grouping.shares[g]),
        "in_ratio": g in grouping.large,
        **counts(given, given.rule, grouping, g),
        "selection_rate": own["selection_rate"]["value"],
        "impact_ratio": own["impact_ratio"]["value"],
        "by_rule": by_rule,
    }


def _outcome(
    given: AuditInput,
    place: int,
    g: int,
    rule: str,
    test: tuple[float | None, float | None],
) -> schema.GroupOutcome:
    rates = given.group_rates[place]
    own = counts(given, rule, rates.grouping, g)
    impact = rates.impact(rule, g)
    return {
        **own,
        "selection_rate": interval_entry(rates.rate("selection_rate", rule, g)),
        "true_positive_rate": interval_entry(rates.rate("true_positive_rate", rule, g)),
        "false_positive_rate": interval_entry(rates.rate("false_positive_rate", rule, g)),
        "accuracy": interval_entry(rates.rate("accuracy", rule, g)),
        "selection_rate_among_answered": interval_entry(
            rates.rate("selection_rate", rule, g, "answered")
        ),
        "selection_rate_bounds": _bounds(given, rates.grouping, g, rule),
        "impact_ratio": interval_entry(impact),
        "four_fifths": _four_fifths(impact),
        "p": test[0],
        "p_adjusted": test[1],
        **_outcomes(given.outcome_rates[place][rule], g, given.answer_tests[place][rule][g]),
    }


def _outcomes(
    rates: OutcomeRates, g: int, test: tuple[float | None, float | None]
) -> schema.Outcomes:
    return {
        "answer_rate": interval_entry(rates.rate("answer_rate", g)),
        "refusal_rate": interval_entry(rates.rate("refusal_rate", g)),
        "scoring_rate": interval_entry(rates.rate("scoring_rate", g)),
        "scoring_ratio": interval_entry(rates.ratio("scoring_rate", g)),
        "answer_p": test[0],
        "answer_p_adjusted": test[1],
    }


def _bounds(given: AuditInput, grouping: Grouping, g: int, rule: str) -> list[float]:
    """The selection rate if no unanswered row were favourable, and if all were."""
    here, one = grouping.codes == g, given.decided[rule]
    people = given.people[here]
    if not people.sum() > 0:
        return [0.0, 1.0]
    sure, open_ = people[one.favourable[here]].sum(), people[~one.answered[here]].sum()
    return [float(sure / people.sum()), float((sure + open_) / people.sum())]


def parity_at_most(given: AuditInput, grouping: Grouping, rule: str) -> float | None:
    """The largest demographic parity difference that there could be, had the rows whose request
    failed been answered in any way; None where no group has a row."""
    failed = np.array([status == "failed" for _, _, status in given.outcomes[rule]], bool)
    sure = given.decided[rule].favourable
    lows, highs = [], []
    for g in range(len(grouping.names)):
        here = grouping.codes == g
        people = given.people[here]
        if not people.sum() > 0:
            continue
        lows.append(float(people[sure[here]].sum() / people.sum()))
        highs.append(float(people[(sure | failed)[here]].sum() / people.sum()))
    gaps = [high - low for i, high in enumerate(highs) for j, low in enumerate(lows) if i != j]
    return max([0.0, *gaps]) if gaps else None


def _four_fifths(impact: Interval) -> schema.FourFifths | None:
    """Whether the whole interval lies below four fifths, not below, or neither."""
    if impact.low is None or impact.high is None:
        return None
    if impact.high < FOUR_FIFTHS:
        return "below"
    return "not below" if impact.low >= FOUR_FIFTHS else "open"


def _tests(given: AuditInput, grouping: Grouping, rule: str) -> Tests:
    return given.tests_of(grouping, given.decided[rule].favourable)
