"""The sentence on top: whether pruning changed whom the model favours, or that it cannot be said.

That nothing was found is never said to mean that nothing is there: the sentence tells instead how
large a change would have been found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leanfair.comparison.schema.whom import Verdict
from leanfair.comparison.whom.entries import Family
from leanfair.comparison.whom.paired.contrasts import Contrast, holds
from leanfair.html import formats as f

NAMED = 2
"""So many groups are named in each direction."""


@dataclass(frozen=True)
class Topic:
    """What the sentence is about. `whether` follows "whether pruning"; `found` follows "Pruning",
    and the child's name, where changes hold. `gain` and `loss`: how a change of a group for the
    better or the worse is told, with {name} and {span}; `first`: which of them is told first, and
    alone where there are two groups, since one then mirrors the other."""

    whether: str
    found: str
    gain: str
    loss: str
    first: int


def favour_topic(what: str) -> Topic:
    """Whom decisions favour by `what`, such as "the stated race"."""
    return Topic(
        f"changed whom the model favours by {what}",
        f"shifted whom the model favours by {what}",
        "towards “{name}” by {span}",
        "away from “{name}” by {span}",
        1,
    )


def accuracy_topic(what: str) -> Topic:
    """Which group by `what` lost more accuracy than the rest."""
    return Topic(
        f"cost one group by {what} more accuracy than the others",
        f"touched the accuracy of groups by {what} unequally",
        "“{name}” fared better than the rest by {span}",
        "“{name}” fared worse than the rest by {span}",
        -1,
    )


@dataclass(frozen=True)
class Told:
    """The verdict and its sentence. `part`: the same as a part of a longer sentence: what follows
    the child's name where something changed, else what follows "Nothing can be said about"."""

    verdict: Verdict
    sentence: str
    part: str


def told_of(topic: Topic, family: Family, rows: int, unknown: str = "", same: bool = False) -> Told:
    """What the tests of the sentence on top say. `unknown`: why nothing can be said at all;
    `same`: whether not one answer changed."""
    whether = f"whether pruning {topic.whether}"
    if unknown:
        return Told("unknown", f"Nothing can be said about {whether}: {unknown}.", whether)
    sure = [(name, one) for name, one in family.found.items() if holds(one, family.after[name])]
    if sure:
        where = _directions(topic, sure, len(family.found))
        return Told("changed", f"Pruning {topic.found}: {where}.", f"{topic.found}: {where}")
    seen = _seen(family, rows, same)
    sentence = f"{whether[0].upper()}{whether[1:]} cannot be said: {seen}."
    return Told("open", sentence, f"{whether} ({seen})")


def _directions(topic: Topic, sure: Sequence[tuple[tuple[str, ...], Contrast]], groups: int) -> str:
    """For whom it changed for the better and for the worse, the largest changes first."""
    parts: list[str] = []
    for sign in (topic.first, -topic.first):
        side = [one for one in sure if sign * (one[1].interval.value or 0.0) > 0]
        side.sort(key=lambda one: -abs(one[1].interval.value or 0.0))
        form = topic.gain if sign > 0 else topic.loss
        parts += [form.format(name=label(name), span=span(one)) for name, one in side[:NAMED]]
        if len(side) > NAMED:
            parts.append(f"{len(side) - NAMED} more likewise")
        if parts and groups == 2:
            break
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def label(name: tuple[str, ...]) -> str:
    """What a value, or a group of a grouping, is called."""
    return name[0] if len(name) == 1 else name[1]


def span(found: Contrast) -> str:
    """The size of a change with its interval, in points, without a sign."""
    value, low, high = found.interval.value, found.interval.low, found.interval.high
    if value is None or low is None or high is None:
        return "an unknown number of points"
    if value < 0:
        value, low, high = -value, -high, -low
    shown = (f"{100 * number:.1f}" for number in (value, low, high))
    return "{} points ({} to {})".format(*shown)


def _seen(family: Family, rows: int, same: bool) -> str:
    """How large a change would have been found."""
    nothing = "not one answer changed" if same else "no change holds"
    sizes = [
        size
        for one in family.found.values()
        if one.p is not None and (size := one.detectable(family.tests)) is not None
    ]
    if not sizes:
        silent = nothing if same else "nothing could be tested"
        return f"on {f.plural(rows, 'row')} {silent}"
    least, most = (f"{100 * size:.1f}" for size in (min(sizes), max(sizes)))
    points = f"{least} points" if least == most else f"{least} to {most} points, by group,"
    return (
        f"with {f.plural(rows, 'row')} {nothing}, and a shift of {points} would have been "
        f"found four times out of five"
    )


def multiplicity(top: Family, others: Family, of: str) -> str:
    """How many tests there were, and how they are adjusted."""
    return (
        f"The sentence on top rests on {f.plural(top.tests, 'test')} ({of}), and claims what is "
        f"left below p = 0.05 after Benjamini and Hochberg over all of them. The other "
        f"{f.plural(others.tests, 'test')} of a group against the rest are adjusted together, and "
        f"McNemar's tests of a rate over the groups of a column. Intervals are of single numbers, "
        f"at 95 %, and not widened for being many."
    )
