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
from leanfair.fairness.metrics.groupings import MINIMUM_SHARE
from leanfair.fairness.metrics.rates import MINIMUM_ANSWERED, NO_LABEL, Among
from leanfair.statistics import Interval, linear_interval, rate_of, resampled
from leanfair.version import __version__

FORMAT = 1
"""The version of the format of summary.json."""

_NO_ATTRIBUTE = "no attribute was named"
_NOT_VARIED = "no row could be varied"
_NAMED = 12
"""So many groups of one row are named in a note."""


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
        "coverage": coverage_entry(evidence.readings, given.table.numbers)
        if evidence.readings
        else None,
        "outcomes": {rule: counts(given, rule) for rule in given.rules},
        "flip_rate": {rule: rate.value for rule, rate in flip_rates.items()},
        "flip_rate_at_most": {
            rule: _flips_at_most(given, rule, flip_rates) for rule in given.rules
        },
        "failed_rows": given.failed_rows,
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
    columns = given.table.columns
    return {
        "favourable": given.favourable,
        "group": list(columns.groups),
        "placebo": given.evidence.placebo.kind or None,
        "seed": given.resampling.seed,
        "bootstrap": given.resampling.draws,
        "confidence": given.resampling.confidence,
        "minimum_answered": MINIMUM_ANSWERED,
        "minimum_share": MINIMUM_SHARE,
        "four_fifths": FOUR_FIFTHS,
        "denominators": "all rows of a group, answered or not; among_answered: answered rows alone",
        "label": columns.label,
        "cluster": columns.cluster,
        "pair": columns.pair,
        "weight": columns.weight,
        "count": columns.count,
        "cuts": {name: list(points) for name, points in (columns.cuts or {}).items()},
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
        "examples": flips.examples(evidence, given.table.numbers, given.table.truth),
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


def _flips_at_most(
    given: AuditInput, rule: str, flip_rates: Mapping[str, Interval]
) -> float | None:
    """The flip rate if every row that a failed request leaves open flipped. A rule over variations
    decides by all or none of them, so that failures leave nothing open there."""
    flipped = given.evidence.flipped()
    hurt = [any(v.answer.status == "failed" for v in found) for found in given.evidence.sets]
    varied = [len(found) > 1 for found in given.evidence.sets]
    if rule != "none" or not any(h and v for h, v in zip(hurt, varied, strict=True)):
        return flip_rates[rule].value
    rows = zip(flipped, hurt, varied, given.people, strict=True)
    told = [
        (flip or hit, weight) for flip, hit, v, weight in rows if v and (hit or flip is not None)
    ]
    return float(sum(weight for could, weight in told if could) / sum(w for _, w in told))


# ---- accuracy -----------------------------------------------------------------------------------


def _accuracy(given: AuditInput, rule: str, among: Among) -> Interval:
    decided, resampling = given.decided[rule], given.resampling
    if given.table.truth is None:
        return Interval.none(NO_LABEL)
    rows = decided.answered if among == "answered" else np.ones_like(decided.answered)
    answered = int(decided.answered.sum())
    if answered < min(MINIMUM_ANSWERED, len(given.table)):
        return Interval.none(f"only {answered} rows were answered: too few")
    return rate_of(decided.correct[rows], rows[rows], resampling.of(rows))


def _accuracy_gains(given: AuditInput) -> schema.ByRule:
    if given.table.truth is None:
        return {rule: interval_entry(Interval.none(NO_LABEL)) for rule in given.rules[1:]}
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
    sentences = _failures(given)
    if evidence.readings:
        sentences += coverage_notes(coverage_entry(evidence.readings, given.table.numbers))
    if evidence.unseen:
        sentences.append(
            "The prompt shows none of the fields that tell the attribute: whatever they say, the "
            "model decides alike."
        )
    sentences += given.table.notes
    for grouping in given.table.groupings:
        if grouping.unknown:
            sentences.append(
                f"{grouping.unknown} of {rows} rows are in no group by {grouping.name}, since it "
                f"is unknown."
            )
        if grouping.alone:
            alone = ", ".join(grouping.alone[:_NAMED])
            more = len(grouping.alone) - _NAMED
            sentences.append(
                f"Groups of one row by {grouping.name} have no rate: {alone}"
                f"{f' and {more} more' if more > 0 else ''}."
            )
    if given.table.truth is None:
        sentences.append(
            "No column says what is right: nothing is said of accuracy, equal opportunity and odds."
        )
    if len(given.rules) > 1 and given.attributes is not None:
        sentences.append(
            "A flip rate of 0 after a rule that treats all variations alike holds by construction: "
            "look at accuracy, at the gaps between groups, and at what is left of them."
        )
    return sentences


def _failures(given: AuditInput) -> list[str]:
    """What failed, and how far the numbers can be trusted for it."""
    if not given.failed_rows:
        return []
    return [
        f"Requests about {given.failed_rows} of {len(given.table)} rows failed: such rows count as "
        f"not {given.favourable!r}, and limits are held against what could have been. The same "
        f"command, run again, asks them anew."
    ]
