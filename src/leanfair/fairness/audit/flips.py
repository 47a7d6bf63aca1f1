"""How often decisions change with the attribute, in which direction, and how often with a placebo.

A flip rate is the share of rows whose variations are decided differently, among the rows that can
be compared. It has no direction and grows with the number of variations: the placebo shows how much
of it any change of the text would cause. Signed rates have a direction: for two values a and b, the
share of rows decided favourably with a and not with b, minus the share the other way round, with an
exact test (McNemar's) of each pair, adjusted over all pairs (Benjamini and Hochberg).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from leanfair.fairness import schema
from leanfair.fairness.audit.entries import interval_entry, variation_entry
from leanfair.fairness.audit.evidence import Evidence, favourable_by_value
from leanfair.fairness.types import Varied
from leanfair.statistics import (
    Bools,
    Interval,
    Ints,
    Resampling,
    benjamini_hochberg,
    linear_interval,
    paired_test,
    rate_of,
    resampled,
)

Flips = Sequence["bool | None"]


def flip_rate(flips: Flips, resampling: Resampling, why: str) -> Interval:
    """Flips over the rows that can be compared; `why` there may be none, for the reason."""
    known = np.array([flip is not None for flip in flips], bool)
    if not known.any():
        return Interval.none(why)
    hits = np.array([flip is True for flip in flips], bool)
    return rate_of(hits[known], known[known], resampling.of(known))


def values_of(sets: Sequence[Sequence[Varied]]) -> list[str]:
    """The distinct values of the variations, in order of first appearance."""
    return list(dict.fromkeys(one.value for found in sets if len(found) > 1 for one in found))


def against_placebo(
    evidence: Evidence, resampling: Resampling, rng: np.random.Generator
) -> schema.PlaceboFlips:
    """The flip rate of the placebo, and that of the attribute minus it, paired by row."""
    flips, placebos = evidence.flipped(), evidence.placebo_flipped()
    both = np.array([a is not None and b is not None for a, b in zip(flips, placebos, strict=True)])
    reason = evidence.placebo.reason or "no row can be compared"
    excess, p = Interval.none(reason), None
    if both.any():
        pairs = zip(flips, placebos, strict=True)
        hits = np.array([(a is True, b is True) for a, b in pairs], bool)[both]
        here = resampling.of(both)
        rates = resampled(hits, np.ones_like(hits), 0 * here.clusters, here, rng)
        excess = linear_interval(rates, [[1.0], [-1.0]], here.confidence)
        p = test_of(hits[:, 0].astype(np.int64) - hits[:, 1], here)
    return {
        "kind": evidence.placebo.kind,
        "reason": evidence.placebo.reason,
        "comparable": sum(flip is not None for flip in placebos),
        "flipped": sum(flip is True for flip in placebos),
        "flip_rate": interval_entry(flip_rate(placebos, resampling, reason)),
        "excess": interval_entry(excess),
        "p": p,
    }


def pairs(
    evidence: Evidence,
    favourable: str,
    resampling: Resampling,
    rng: np.random.Generator,
) -> list[schema.Pair]:
    """Signed flips of every two values, over all rows that have both.

    "Not favourable" is every other outcome, refusals included: `refused_one` counts the rows that
    are answered with one of the two values alone, and `among_answered` excludes them.
    """
    sets = evidence.counted
    values = values_of(sets)
    decided = favourable_by_value(sets, values, favourable)
    answered = _answered_by_value(sets, values)
    counted = []
    for pair in combinations(range(len(values)), 2):
        both = np.asarray(~np.isnan(decided[:, pair]).any(axis=1))
        if not both.any():
            continue
        outcome, here = decided[:, pair][both] == 1, resampling.of(both)
        rates = resampled(outcome, np.ones_like(outcome), 0 * here.clusters, here, rng)
        signed = linear_interval(rates, [[1.0], [-1.0]], here.confidence)
        heard = answered[:, pair][both]
        counted.append((pair, interval_entry(signed), outcome, heard, here))
    p_values = [test_of(_sides(outcome), here) for *_, outcome, _, here in counted]
    adjusted = benjamini_hochberg(p_values)
    return [
        {
            "values": [values[j] for j in pair],
            "difference": difference,
            "n": len(outcome),
            "first_only": int((_sides(outcome) > 0).sum()),
            "second_only": int((_sides(outcome) < 0).sum()),
            "p": p,
            "refused_one": int((heard[:, 0] != heard[:, 1]).sum()),
            "among_answered": _among_answered(_sides(outcome), heard.all(axis=1), here),
            "p_adjusted": q,
        }
        for (pair, difference, outcome, heard, here), p, q in zip(
            counted, p_values, adjusted, strict=True
        )
    ]


def _sides(outcome: Bools) -> Ints:
    """For each row 1 where it is favourable with the first value alone, -1 with the second."""
    return outcome[:, 0].astype(np.int64) - outcome[:, 1]


def test_of(sides: Ints, resampling: Resampling) -> float:
    """The exact p-value that sides of 1 and -1 are equally many (see `paired_test`)."""
    return paired_test(sides, resampling.clusters, resampling.weights, resampling.counted)


def _among_answered(sides: Ints, heard: Bools, resampling: Resampling) -> schema.PairAmongAnswered:
    return {
        "n": int(heard.sum()),
        "first_only": int((sides[heard] > 0).sum()),
        "second_only": int((sides[heard] < 0).sum()),
        "p": test_of(sides[heard], resampling.of(heard)) if heard.any() else None,
    }


def examples(
    evidence: Evidence, numbers: Sequence[int], truth: Sequence[str] | None, most: int = 12
) -> list[schema.Example]:
    """The first rows whose decision changed, with all their variations and answers. `numbers`: what
    the rows are called."""
    flipped = [i for i, flip in enumerate(evidence.flipped()) if flip]
    return [
        {
            "row": numbers[i],
            "label": None if truth is None else truth[i],
            "variations": [variation_entry(one) for one in evidence.sets[i]],
        }
        for i in flipped[:most]
    ]


def _answered_by_value(sets: Sequence[Sequence[Varied]], values: Sequence[str]) -> Bools:
    places = {value: j for j, value in enumerate(values)}
    found = np.zeros((len(sets), len(values)), bool)
    for i, varied in enumerate(sets):
        for one in varied if len(varied) > 1 else ():
            found[i, places[one.value]] = one.label is not None
    return found
