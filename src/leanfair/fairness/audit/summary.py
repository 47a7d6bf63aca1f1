"""summary.json of an audit, in the keys and types of `leanfair.fairness.schema`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit import flips
from leanfair.fairness.audit.entries import interval_entry
from leanfair.fairness.audit.groups import (
    FOUR_FIFTHS,
    counts,
    gains_of,
    groupings_of,
    groups_of,
    metrics_of,
)
from leanfair.fairness.audit.inputs import AuditInput
from leanfair.fairness.metrics.coverage import coverage_entry, coverage_notes
from leanfair.fairness.metrics.rates import MINIMUM_ANSWERED, MINIMUM_SHARE, Among
from leanfair.statistics import Interval, linear_interval, rate_interval, resampled
from leanfair.version import __version__

FORMAT = 1
"""The version of the format of summary.json."""

_NO_ATTRIBUTE = "no attribute was named"
_NOT_VARIED = "no row could be varied"


def summary_of(
    given: AuditInput, *, started: float, asking_seconds: float, forward_passes_now: int
) -> schema.Summary:
    """The summary of an audit that began at `started`, on the clock of `time.monotonic`."""
    evidence, main = given.evidence, given.group_rates[-1]
    accuracy = {rule: _accuracy(given, rule, "all") for rule in given.rules}
    flip_rates = _flip_rates(given)
    placebo = flips.against_placebo(evidence, given.resampling, given.resampling.rng(100))
    return {
        "kind": "audit",
        "format": FORMAT,
        "leanfair": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "model": given.judge.get("identity", {}).get("model"),
        "revision": given.judge.get("identity", {}).get("fingerprint"),
        "prompt_hash": given.judge.get("prompt_hash"),
        "options": list(evidence.options),
        "attribute": None if given.attributes is None else list(given.attributes),
        "lexicons": dict(given.lexicons),
        "judge": given.judge,
        "data": {
            "name": given.table.name,
            "rows": len(given.table),
            "persons": len(set(given.table.clusters)),
        },
        "settings": _settings(given),
        "n": len(given.table),
        "rule": given.rule,
        "rules": list(given.rules),
        "coverage": coverage_entry(evidence.readings) if evidence.readings else None,
        "outcomes": {rule: counts(given, rule) for rule in given.rules},
        "flip_rate": {rule: rate.value for rule, rate in flip_rates.items()},
        "placebo_flip_rate": placebo["flip_rate"]["value"],
        "accuracy": {rule: rate.value for rule, rate in accuracy.items()},
        "metrics": {
            **dict(metrics_of(given, main).items()),
            "accuracy": _entries(accuracy),
            "accuracy_among_answered": {
                rule: interval_entry(_accuracy(given, rule, "answered")) for rule in given.rules
            },
            "flip_rate": _entries(flip_rates),
        },
        "gains": {**dict(gains_of(given, main).items()), "accuracy": _accuracy_gains(given)},
        "groups": groups_of(given),
        "groupings": groupings_of(given),
        "flips": _flips(given, placebo),
        "forward_passes": evidence.asked,
        "forward_passes_by_rule": {rule: evidence.passes(rule) for rule in given.rules},
        "forward_passes_now": forward_passes_now,
        "asking_seconds": asking_seconds,
        "notes": notes(given),
        "seconds": time.monotonic() - started,
    }


def _entries(by_rule: Mapping[str, Interval]) -> schema.ByRule:
    return {rule: interval_entry(interval) for rule, interval in by_rule.items()}


def _settings(given: AuditInput) -> schema.Settings:
    return {
        "favourable": given.favourable,
        "group": list(given.table.groupings[-1].columns),
        "placebo": given.evidence.placebo.kind or None,
        "seed": given.resampling.seed,
        "bootstrap": given.resampling.draws,
        "confidence": given.resampling.confidence,
        "minimum_answered": MINIMUM_ANSWERED,
        "minimum_share": MINIMUM_SHARE,
        "four_fifths": FOUR_FIFTHS,
        "denominators": "all rows of a group, answered or not; among_answered: answered rows alone",
        "label": given.label,
        "cluster": given.cluster,
    }


# ---- flips --------------------------------------------------------------------------------------


def _flips(given: AuditInput, placebo: schema.PlaceboFlips) -> schema.Flips:
    evidence, resampling = given.evidence, given.resampling
    flipped = evidence.flipped()
    return {
        "values": flips.values_of(evidence.sets),
        "comparable": sum(flip is not None for flip in flipped),
        "flipped": sum(flip is True for flip in flipped),
        "pairs": flips.pairs(evidence, given.favourable, resampling, resampling.rng(101)),
        "placebo": placebo,
        "examples": flips.examples(evidence, given.table.truth),
    }


def _flip_rates(given: AuditInput) -> dict[str, Interval]:
    if given.attributes is None:
        return {rule: Interval.none(_NO_ATTRIBUTE) for rule in given.rules}
    rates = {"none": flips.flip_rate(given.evidence.flipped(), given.resampling, _NOT_VARIED)}
    for rule in given.rules[1:]:
        rate = flips.flip_rate(given.evidence.flips_of(rule), given.resampling, _NOT_VARIED)
        # a rate that is 0 by construction has no sampling error
        rates[rule] = Interval(0.0, 0.0, 0.0) if rate.value == 0 else rate
    return rates


# ---- accuracy -----------------------------------------------------------------------------------


def _accuracy(given: AuditInput, rule: str, among: Among) -> Interval:
    decided, resampling = given.decided[rule], given.resampling
    rows = decided.answered if among == "answered" else np.ones_like(decided.answered)
    answered = int(decided.answered.sum())
    if answered < min(MINIMUM_ANSWERED, len(given.table)):
        return Interval.none(f"only {answered} rows were answered: too few")
    clusters = resampling.clusters[rows]
    return rate_interval(decided.correct[rows], rows[rows], clusters, resampling.confidence)


def _accuracy_gains(given: AuditInput) -> schema.ByRule:
    hits = np.stack([given.decided[rule].correct for rule in given.rules], axis=1)
    group = np.zeros(len(hits), np.int64)
    rng = given.resampling.rng(102)
    rates = resampled(hits, np.ones_like(hits), group, given.resampling, rng)
    gains: schema.ByRule = {}
    for i, rule in enumerate(given.rules[1:], start=1):
        weights = np.zeros((len(given.rules), 1))
        weights[i], weights[0] = 1.0, -1.0
        gains[rule] = interval_entry(linear_interval(rates, weights, given.resampling.confidence))
    return gains


# ---- notes --------------------------------------------------------------------------------------


def notes(given: AuditInput) -> list[str]:
    """What a reader has to know before the numbers."""
    evidence, rows = given.evidence, len(given.table)
    sentences = []
    if evidence.readings:
        sentences += coverage_notes(coverage_entry(evidence.readings))
    if evidence.unseen:
        sentences.append(
            "The prompt shows none of the fields that tell the attribute: whatever they say, the "
            "model decides alike."
        )
    for grouping in given.table.groupings:
        if grouping.unknown:
            sentences.append(
                f"{grouping.unknown} of {rows} rows are in no group by {grouping.name}, since it "
                f"is unknown."
            )
        if grouping.alone:
            sentences.append(f"Groups of one row have no rate: {', '.join(grouping.alone)}.")
    if len(given.rules) > 1 and given.attributes is not None:
        sentences.append(
            "A flip rate of 0 after a rule that treats all variations alike holds by construction: "
            "look at accuracy, at the gaps between groups, and at what is left of them."
        )
    failed = counts(given, "none")["failed"]
    if failed:
        sentences.append(f"{failed} requests failed: run again, so that they are asked.")
    return sentences
