"""Whom pruning touched: a part of a comparison's `summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

Verdict = Literal["changed", "open", "unknown"]


class _Estimate(TypedDict):
    """The numbers of an estimate."""

    value: float | None
    """The estimate; null where it is not defined or rests on too few answers."""
    low: float | None
    """Where its interval begins; null where `value` is."""
    high: float | None
    """Where it ends; null where `value` is."""


class Estimate(_Estimate, total=False):
    """A number with its 95 % interval."""

    reason: str
    """Why there is no estimate, as the end of a sentence; only there where `value` is null."""


class Shift(Estimate):
    """A difference, child less parent, paired, with a test of it."""

    p: float | None
    """Two-sided p-value: exact where rows are people drawn one by one, else of the bootstrap; null
    where there is no test."""
    p_adjusted: float | None
    """The same adjusted over its family of tests (Benjamini and Hochberg); null where it is in
    none."""
    detectable: float | None
    """A difference of this size would be found four times out of five; null where that is not
    known."""


class MeanBeside(TypedDict):
    """A mean of both models over the same rows."""

    n: int
    """The rows that it is taken of."""
    parent: Estimate
    """Of the parent."""
    child: Estimate
    """Of the child."""
    change: Shift
    """Child less parent. Of a rate its p-value is that of McNemar's exact test or, where rows
    belong together, of a sign-flip test of them; by group it is adjusted over the groups."""


class RateBeside(MeanBeside):
    """A rate of both models on the same rows."""

    lost: int
    """Rows that were a yes of the parent alone."""
    won: int
    """Rows that are a yes of the child alone."""


class GroupRate(RateBeside):
    """A rate of both models in one group."""

    against_rest: Shift
    """How much more the rate changed here than in all other groups together."""


class GroupBeside(TypedDict):
    """One group."""

    n: int
    """Its rows."""
    rates: dict[str, GroupRate]
    """Rate -> of both models in this group."""


class GapBeside(TypedDict):
    """The highest rate of the groups less the lowest, of both models."""

    parent: Estimate
    """Of the parent."""
    child: Estimate
    """Of the child."""
    change: Estimate
    """Child less parent: above 0, groups are further apart than before."""


class GroupingBeside(TypedDict):
    """The groups by one column, or by several together."""

    name: str
    """What the groups are by."""
    groups: dict[str, GroupBeside]
    """Group -> its rates."""
    gaps: dict[str, GapBeside]
    """Difference -> of both models."""
    unknown: int
    """Rows whose group is not known: they are in none."""
    alone: list[str]
    """Groups of a single row: no rate follows from one."""


class ValueBeside(TypedDict):
    """One value of the stated attribute: everybody is asked about with it."""

    value: str
    """The value."""
    n: int
    """The rows that were asked with every value."""
    parent: Estimate
    """The share of favourable decisions of the parent with this value stated."""
    child: Estimate
    """That of the child."""
    favour_parent: Estimate
    """The former less its mean over the other values: whom the parent favours."""
    favour_child: Estimate
    """The same of the child."""
    change: Shift
    """The favour of the child less that of the parent."""


class FlipsBeside(TypedDict):
    """How often decisions change with the stated attribute alone, of both models."""

    attribute: RateBeside
    """Of the attribute, over the rows that can be compared under both models."""
    placebo: RateBeside | None
    """Of its placebo; null where there was none."""


class Whom(TypedDict):
    """Whom pruning touched. What needs a prompt about people is null for classifiers."""

    kind: Literal["decisions", "classes"]
    """Decisions of language models about people, or classes that a classifier tells."""
    verdict: Verdict
    """changed: a change holds; open: none does, which is no proof that there is none; unknown:
    there are too few answers to say anything."""
    sentence: str
    """Whether pruning changed whom the model favours, or that it cannot be said."""
    part: str
    """The same as a part of the headline: what follows the child's name where something changed,
    else what follows "Nothing can be said about"."""
    multiplicity: str
    """How many tests there were, and how their p-values are adjusted."""
    rows: int
    """The rows that both models decided about."""
    favourable: str | None
    """The decision that people want, or the class that counts as one."""
    attribute: list[str] | None
    """The names of what was varied; null where nothing was."""
    seed: int
    """What the resamples were drawn by."""
    bootstrap: int
    """How many resamples there were."""
    rates: dict[str, RateBeside]
    """Rate -> of both models over all rows."""
    flips: FlipsBeside | None
    """How often decisions change with the attribute; null where nothing was varied."""
    captured: MeanBeside | None
    """How much of its probability a model puts on the options, on average; null for classifiers."""
    values: list[ValueBeside]
    """Whom both models favour when the stated attribute alone changes; empty where nothing was
    varied."""
    groupings: list[GroupingBeside]
    """The groups by each column, and by all of them together where they are several."""
    pages: list[str]
    """The full audit of the parent and that of the child, beside the page; empty where none was
    written."""
    notes: list[str]
    """What a reader has to know before the numbers."""
