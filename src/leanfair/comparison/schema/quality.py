"""How well two models answer: a part of a comparison's `summary.json`."""

from __future__ import annotations

from typing_extensions import TypedDict


class Difference(TypedDict):
    """A number of both models, and its difference with a paired 95 % interval."""

    parent: float
    """Of the parent."""
    child: float
    """Of the child."""
    value: float
    """Child less parent."""
    low: float | None
    """Where the interval of `value` begins; null where too few samples tell."""
    high: float | None
    """Where it ends; null where too few samples tell."""


class Accuracy(TypedDict):
    """The share of right answers, of both models on the same samples."""

    overall: Difference
    """Over all samples."""
    samples: int
    """How many there were."""
    lost: int
    """How many of them only the parent got right."""
    gained: int
    """How many of them only the child got right."""
    p_value: float | None
    """McNemar's exact two-sided test that both are right equally often; null where a sample has
    several answers."""


class Quality(TypedDict):
    """How well each model answers. What does not fit the kind of model, or needs labels that there
    are not, is null."""

    accuracy: Accuracy | None
    """What a classifier gets right."""
