"""How often decisions change with the attribute, which way, and how often with a placebo.

A flip rate counts rows whose variations came out differently, over rows that can be compared. It
has no direction, and grows with the number of variations: the placebo beside it says how much of it
any change of the text would have brought. Signed rates have a direction: of two values a and b, the
share of rows decided favourably with a and not with b, less the share the other way round; an exact
test (McNemar's) of each pair, adjusted over all pairs (Benjamini and Hochberg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanfair.fairness.audit.evidence import Evidence, favourable_by_value
from leanfair.fairness.types import Varied
from leanfair.statistics import (
    Interval,
    Ints,
    Resampling,
    benjamini_hochberg,
    linear_interval,
    paired_test,
    rate_interval,
    resampled,
)

Flips = Sequence["bool | None"]


def flip_rate(flips: Flips, resampling: Resampling, why: str) -> Interval:
    """Flips over the rows where something could be compared; `why` there may be none."""
    known = np.array([flip is not None for flip in flips], bool)
    if not known.any():
        return Interval.none(why)
    hits = np.array([flip is True for flip in flips], bool)
    clusters = resampling.clusters[known]
    return rate_interval(hits[known], known[known], clusters, resampling.confidence)


def values_of(sets: Sequence[Sequence[Varied]]) -> list[str]:
    """The values that variations have, in the order of their first coming."""
    return list(dict.fromkeys(one.value for found in sets if len(found) > 1 for one in found))


def against_placebo(
    evidence: Evidence, resampling: Resampling, rng: np.random.Generator
) -> dict[str, Any]:
    """The flip rate, that of the placebo, and the first less the second: paired, row by row."""
    flips, dummies = evidence.flipped(), evidence.placebo_flipped()
    both = np.array([a is not None and b is not None for a, b in zip(flips, dummies, strict=True)])
    reason = evidence.placebo.reason or "no row can be compared"
    found: dict[str, Any] = {
        "kind": evidence.placebo.kind,
        "reason": evidence.placebo.reason,
        "comparable": sum(flip is not None for flip in dummies),
        "flipped": sum(flip is True for flip in dummies),
        "flip_rate": flip_rate(dummies, resampling, reason).to_json(),
        "excess": Interval.none(reason).to_json(),
        "p": None,
    }
    if both.any():
        pairs = zip(flips, dummies, strict=True)
        hits = np.array([(a is True, b is True) for a, b in pairs], bool)[both]
        here = resampling.of(both)
        rates = resampled(hits, np.ones_like(hits), 0 * here.clusters, here, rng)
        excess = linear_interval(rates, [[1.0], [-1.0]], here.confidence)
        difference = hits[:, 0].astype(int) - hits[:, 1]
        found |= {"excess": excess.to_json(), "p": paired_test(difference, here.clusters)}
    return found


def pairs(
    evidence: Evidence,
    favourable: str,
    resampling: Resampling,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Signed flips of every two values, over all rows that have both.

    "Not favourable" is every other outcome, refusals with it: `refused_one` counts the rows that
    were answered with one of the two values alone, and `among_answered` leaves them out.
    """
    values = values_of(evidence.sets)
    decided = favourable_by_value(evidence.sets, values, favourable)
    answered = _answered_by_value(evidence.sets, values)
    found = []
    for pair in combinations(range(len(values)), 2):
        both = np.asarray(~np.isnan(decided[:, pair]).any(axis=1))
        if not both.any():
            continue
        outcome, here = decided[:, pair][both] == 1, resampling.of(both)
        rates = resampled(outcome, np.ones_like(outcome), 0 * here.clusters, here, rng)
        signed = linear_interval(rates, [[1.0], [-1.0]], here.confidence)
        found.append(
            {
                "values": [values[j] for j in pair],
                "difference": signed.to_json(),
                **_counted(outcome, answered[:, pair][both], here.clusters),
            }
        )
    adjusted = benjamini_hochberg([one["p"] for one in found])
    return [{**one, "p_adjusted": p} for one, p in zip(found, adjusted, strict=True)]


def _counted(
    outcome: NDArray[np.bool_], answered: NDArray[np.bool_], clusters: Ints
) -> dict[str, Any]:
    """Of two values, the rows decided favourably with one alone, and the exact test of that."""
    sides = outcome[:, 0].astype(int) - outcome[:, 1]
    heard = answered.all(axis=1)
    return {
        "n": len(sides),
        "first_only": int((sides > 0).sum()),
        "second_only": int((sides < 0).sum()),
        "p": paired_test(sides, clusters),
        "refused_one": int((answered[:, 0] != answered[:, 1]).sum()),
        "among_answered": {
            "n": int(heard.sum()),
            "first_only": int((sides[heard] > 0).sum()),
            "second_only": int((sides[heard] < 0).sum()),
            "p": paired_test(sides[heard], clusters[heard]) if heard.any() else None,
        },
    }


def examples(evidence: Evidence, truth: Sequence[str], most: int = 12) -> list[dict[str, Any]]:
    """The first rows whose decision changed, with all their variations and answers."""
    flipped = [i for i, flip in enumerate(evidence.flipped()) if flip]
    return [
        {
            "row": i + 1,
            "label": truth[i],
            "variations": [asdict(one) for one in evidence.sets[i]],
        }
        for i in flipped[:most]
    ]


def _answered_by_value(
    sets: Sequence[Sequence[Varied]], values: Sequence[str]
) -> NDArray[np.bool_]:
    places = {value: j for j, value in enumerate(values)}
    found = np.zeros((len(sets), len(values)), bool)
    for i, told in enumerate(sets):
        for one in told if len(told) > 1 else ():
            found[i, places[one.value]] = one.label is not None
    return found
