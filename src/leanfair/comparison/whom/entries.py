"""What was measured as entries of summary.json, tests adjusted over their families.

There are three kinds of families, each adjusted by itself (Benjamini and Hochberg): the tests that
the sentence on top rests on; McNemar's tests of one rate over the groups by one column; and every
other test of a group against the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leanfair.comparison.schema import whom as schema
from leanfair.comparison.whom.paired.beside import GAPS, Beside, Groups
from leanfair.comparison.whom.paired.contrasts import Contrast, adjusted
from leanfair.comparison.whom.paired.favour import Favour
from leanfair.statistics import Interval


@dataclass(frozen=True)
class Family:
    """Tests that are adjusted together, by name, and what came of it."""

    found: Mapping[tuple[str, ...], Contrast]
    after: Mapping[tuple[str, ...], float | None]

    @staticmethod
    def of(found: Mapping[tuple[str, ...], Contrast]) -> Family:
        """The family of `found`."""
        return Family(found, dict(zip(found, adjusted(list(found.values())), strict=True)))

    @property
    def tests(self) -> int:
        """How many tests there are."""
        return sum(one.p is not None for one in self.found.values())

    def shift(self, *name: str) -> schema.Shift:
        """One of them as an entry."""
        return shift_entry(self.found[name], self.after[name], self.tests)


def estimate_entry(found: Interval) -> schema.Estimate:
    """A number with its interval, and the reason where there is none."""
    entry: schema.Estimate = {"value": found.value, "low": found.low, "high": found.high}
    if found.reason:
        entry["reason"] = found.reason
    return entry


def shift_entry(found: Contrast, after: float | None = None, tests: int = 1) -> schema.Shift:
    """A change with its test."""
    return {
        **estimate_entry(found.interval),
        "p": found.p,
        "p_adjusted": after,
        "detectable": found.detectable(tests),
    }


def beside_entry(found: Beside, after: float | None = None, tests: int = 1) -> schema.RateBeside:
    """A rate of both models."""
    return {
        "n": found.n,
        "parent": estimate_entry(found.parent),
        "child": estimate_entry(found.child),
        "change": shift_entry(found.change, after, tests),
        "lost": found.lost,
        "won": found.won,
    }


def value_entry(found: Favour, top: Family) -> schema.ValueBeside:
    """One value of the attribute."""
    return {
        "value": found.value,
        "n": found.n,
        "parent": estimate_entry(found.rates[0]),
        "child": estimate_entry(found.rates[1]),
        "favour_parent": estimate_entry(found.favours[0]),
        "favour_child": estimate_entry(found.favours[1]),
        "change": top.shift(found.value),
    }


Rests = Mapping[tuple[str, ...], Contrast]
"""Grouping, group and rate -> how much more it changed there than in the rest."""


def rests_of(groupings: Sequence[Groups], rates: Iterable[str] | None = None) -> Rests:
    """Every group against the rest, in all rates or in these alone."""
    return {
        (each.grouping.name, name, rate): each.against_rest(rate, g)
        for each in groupings
        for g, name in enumerate(each.grouping.names)
        for rate in (each.outcomes if rates is None else rates)
    }


def grouping_entry(found: Groups, families: Sequence[Family]) -> schema.GroupingBeside:
    """The groups by one column, with the tests against the rest from whichever of `families` has
    them."""
    grouping = found.grouping
    inside = {
        rate: [found.group(rate, g) for g in range(len(grouping.names))] for rate in found.outcomes
    }
    after = {rate: adjusted([one.change for one in each]) for rate, each in inside.items()}

    def rate_entry(rate: str, g: int) -> schema.GroupRate:
        key = (grouping.name, grouping.names[g], rate)
        family = next(one for one in families if key in one.found)
        own = beside_entry(inside[rate][g], after[rate][g], len(grouping.names))
        return {**own, "against_rest": family.shift(*key)}

    return {
        "name": grouping.name,
        "groups": {
            name: {
                "n": int(grouping.sizes[g]),
                "rates": {rate: rate_entry(rate, g) for rate in found.outcomes},
            }
            for g, name in enumerate(grouping.names)
        },
        "gaps": {name: _gap_entry(found, name) for name in GAPS if found.has(name)},
        "unknown": grouping.unknown,
        "alone": list(grouping.alone),
    }


def _gap_entry(found: Groups, name: str) -> schema.GapBeside:
    parent, child, change = (estimate_entry(one) for one in found.gap(name))
    return {"parent": parent, "child": child, "change": change}
