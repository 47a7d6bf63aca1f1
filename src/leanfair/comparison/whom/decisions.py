"""Two language models that decide about the same people, as a section of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leanfair.comparison.schema import whom as schema
from leanfair.comparison.whom.entries import (
    Family,
    beside_entry,
    estimate_entry,
    grouping_entry,
    rests_of,
    shift_entry,
    value_entry,
)
from leanfair.comparison.whom.hearing import Both
from leanfair.comparison.whom.paired.beside import Beside, Groups
from leanfair.comparison.whom.paired.contrasts import Contrast, Outcome, contrast
from leanfair.comparison.whom.paired.favour import Favour, favours
from leanfair.comparison.whom.words import favour_topic, multiplicity, told_of
from leanfair.fairness.audit.summary import notes
from leanfair.fairness.metrics.rates import MINIMUM_ANSWERED
from leanfair.html import formats as f
from leanfair.statistics import Floats, Interval, linear_interval, resampled

BY_GROUP = 400
"""Where the streams of random numbers of groupings begin; an audit uses those below."""


def decisions_section(both: Both, names: tuple[str, str], pages: Sequence[str] = ()) -> schema.Whom:
    """The section. `names`: what parent and child are called; `pages`: where both audits are."""
    given, outcomes = both.parent, both.outcomes()
    resampling = given.resampling
    groupings = [
        Groups(grouping, outcomes, resampling, BY_GROUP + i, both.silent(grouping))
        for i, grouping in enumerate(given.table.groupings)
    ]
    found = _favours(both)
    by_group = rests_of(groupings)
    if found:
        top = Family.of({(one.value,): one.change for one in found})
        others = Family.of(by_group)
    else:
        kept = {name: one for name, one in by_group.items() if name[-1] == "selection_rate"}
        top = Family.of(kept)
        others = Family.of({name: one for name, one in by_group.items() if name not in kept})
    what = (
        f"the stated {' and '.join(given.attributes or ())}"
        if found
        else " and ".join(dict.fromkeys(c for g in groupings for c in g.grouping.columns))
    )
    told = told_of(
        favour_topic(what), top, len(given.table), _unknown(both, found, names), _is_same(both)
    )
    return {
        "kind": "decisions",
        "verdict": told.verdict,
        "sentence": told.sentence,
        "part": told.part,
        "multiplicity": multiplicity(top, others, "values stated" if found else "groups"),
        "rows": len(given.table),
        "favourable": given.favourable,
        "attribute": None if given.attributes is None else list(given.attributes),
        "seed": resampling.seed,
        "bootstrap": resampling.draws,
        "rates": {name: beside_entry(groupings[0].overall(name)) for name in outcomes},
        "flips": _flips(both),
        "captured": _captured(both),
        "values": [value_entry(one, top) for one in found],
        "groupings": [grouping_entry(each, (top, others)) for each in groupings],
        "pages": list(pages),
        "notes": _notes(both, found, names),
    }


def _favours(both: Both) -> list[Favour]:
    given = both.parent
    if given.attributes is None:
        return []
    rng = given.resampling.rng(BY_GROUP - 1)
    return favours(given.evidence, both.child.evidence, given.favourable, given.resampling, rng)


def _unknown(both: Both, found: Sequence[Favour], names: tuple[str, str]) -> str:
    """Why nothing can be said at all; empty where something can."""
    rows = len(both.parent.table)
    for name, side in zip(names, both.sides, strict=True):
        answered = int(side.decided["none"].answered.sum())
        if answered < min(MINIMUM_ANSWERED, rows):
            return f"{name} answered {answered} of {f.plural(rows, 'row')}"
    if both.parent.attributes is not None and not found:
        return "no row could be asked about with every value of the attribute"
    return ""


def _is_same(both: Both) -> bool:
    """Whether both models decide every row and every variation of it alike."""
    parent, child = (side.evidence.sets for side in both.sides)
    return all(
        [one.label for one in first] == [one.label for one in second]
        for first, second in zip(parent, child, strict=True)
    )


def _flips(both: Both) -> schema.FlipsBeside | None:
    if both.parent.attributes is None:
        return None
    own = [side.evidence.flipped() for side in both.sides]
    placebo = [side.evidence.placebo_flipped() for side in both.sides]
    attribute = _flips_beside(both, own, 0)
    if attribute is None:
        return None
    return {"attribute": attribute, "placebo": _flips_beside(both, placebo, 1)}


def _flips_beside(
    both: Both, flips: Sequence[Sequence[bool | None]], stream: int
) -> schema.RateBeside | None:
    known = np.array([all(f is not None for f in pair) for pair in zip(*flips, strict=True)], bool)
    if not known.any():
        return None
    parent, child = (np.array([flip is True for flip in side], bool) for side in flips)
    rates = Groups(
        both.parent.table.groupings[0],
        {"flip_rate": Outcome(parent, child, known)},
        both.parent.resampling,
        BY_GROUP - 10 + stream,
    )
    found: Beside = rates.overall("flip_rate")
    return beside_entry(found)


def _captured(both: Both) -> schema.MeanBeside:
    values: Floats = both.captured()
    resampling = both.parent.resampling
    nobody = np.zeros(len(values), np.int64)
    rng = resampling.rng(BY_GROUP - 2)
    rates = resampled(values, np.ones_like(values), nobody, resampling, rng)

    def mean(*weights: float) -> Interval:
        return linear_interval(rates, np.array(weights)[:, None], resampling.confidence)

    change: Contrast = contrast(
        rates, [[-1.0], [1.0]], resampling.confidence, n=len(values), bound=1.0
    )
    return {
        "n": len(values),
        "parent": estimate_entry(_share(mean(1.0, 0.0))),
        "child": estimate_entry(_share(mean(0.0, 1.0))),
        "change": shift_entry(change),
    }


def _share(found: Interval) -> Interval:
    low = None if found.low is None else max(0.0, found.low)
    return Interval(found.value, low, found.high, found.reason)


def _notes(both: Both, found: Sequence[Favour], names: tuple[str, str]) -> list[str]:
    """What has to be known before the numbers, of either model."""
    each = [notes(side) for side in both.sides]
    told = [note for note in each[0] if note in each[1]]
    for name, own in zip(names, each, strict=True):
        told += [f"{name}: {note}" for note in own if note not in told]
    rows = len(both.parent.table)
    for name, side in zip(names, both.sides, strict=True):
        missing = rows - int(side.decided["none"].answered.sum())
        if missing:
            told.append(
                f"{name} left {missing} of {f.plural(rows, 'row')} unanswered: they count as not "
                f"“{side.favourable}”."
            )
    if found and found[0].n < rows:
        told.append(
            f"{found[0].n} of {f.plural(rows, 'row')} could be asked about with every value of "
            f"the attribute: whom the models favour is taken of those alone."
        )
    if both.parent.attributes is not None and both.parent.evidence.placebo.kind == "":
        told.append(
            "No placebo was asked: how often decisions change with any change of the text is not "
            "known, and flip rates are compared with each other alone."
        )
    return told
