"""The key `flips` of summary.json."""

from __future__ import annotations

from typing import Literal, TypedDict

from leanfair.fairness.schema.measures import Interval


class Flips(TypedDict):
    """How decisions change with the attribute."""

    values: list[str]
    """The values of the attribute."""
    comparable: int
    """Rows with several variations of which some decision is known."""
    flipped: int
    """Rows of which some variation was decided otherwise than the original."""
    pairs: list[Pair]
    """One for each two values that some row has both of."""
    placebo: PlaceboFlips
    """The same with a change that should not matter."""
    examples: list[Example]
    """The first flipped rows, at most 12."""


class Pair(TypedDict):
    """Decisions with one value of the attribute against those with another, row by row."""

    values: list[str]
    """The two values."""
    difference: Interval
    """The share of rows decided favourably with the first value alone, minus that with the second
    alone."""
    n: int
    """Rows with variations of both values."""
    first_only: int
    """Rows decided favourably with the first value alone."""
    second_only: int
    """Rows decided favourably with the second value alone."""
    p: float
    """Exact p-value of the difference: McNemar's test, or a sign-flip test over clusters."""
    refused_one: int
    """Rows answered with one of the values alone."""
    among_answered: PairAmongAnswered
    """The same counts over rows answered with both values."""
    p_adjusted: float
    """p, adjusted over all pairs (Benjamini and Hochberg)."""


class PairAmongAnswered(TypedDict):
    """Two values of the attribute, over rows answered with both."""

    n: int
    """Rows answered with both values."""
    first_only: int
    """Rows decided favourably with the first value alone."""
    second_only: int
    """Rows decided favourably with the second value alone."""
    p: float | None
    """Exact p-value; null where there is no such row."""


class PlaceboFlips(TypedDict):
    """Flips with a placebo: as many variations of each row, in something that should not matter."""

    kind: str
    """What the placebo changes; empty where there is none."""
    reason: str
    """Why there is no placebo; empty where there is one."""
    comparable: int
    """Rows whose placebo variations can be compared."""
    flipped: int
    """Rows whose decision changes with the placebo."""
    flip_rate: Interval
    """The share of them."""
    excess: Interval
    """The flip rate of the attribute minus that of the placebo, over rows that have both."""
    p: float | None
    """Exact p-value of the excess; null where no row has both."""


class Example(TypedDict):
    """A row whose decision changes with the attribute."""

    row: int
    """Number of the row, from 1."""
    label: str | None
    """The option that its label is; null without labels."""
    variations: list[Variation]
    """All variations, the original among them."""


class Variation(TypedDict):
    """A variation of a row, and what was decided about it."""

    value: str
    """The value of the attribute."""
    text: str
    """The text; of a record, one line `field: value` for each field."""
    spans: list[list[int]]
    """The ranges [start, stop) of characters in `text` that tell the attribute."""
    original: bool
    """Whether this is the row as it came in."""
    label: str | None
    """The decision; null where it is not answered."""
    answer: Answer
    """What the model said."""


class Answer(TypedDict):
    """What a model said about one prompt."""

    status: Literal["answered", "refused", "unparsed", "abstained", "failed", "empty"]
    """The outcome."""
    probabilities: dict[str, float]
    """Option -> probability, which add up to 1 where answered; empty where there are none."""
    captured: float
    """The probability that the options hold together before they are scaled to 1."""
    text: str
    """What the model wrote, where it wrote anything."""
