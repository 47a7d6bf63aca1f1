"""What is measured in an audit: names, estimates with their intervals, and counts of outcomes."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

RateName: TypeAlias = Literal[
    "selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"
]
DifferenceName: TypeAlias = Literal[
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "average_odds_difference",
    "equalized_odds_difference",
]
MetricName: TypeAlias = Literal[DifferenceName, "demographic_parity_ratio"]
SummaryMetricName: TypeAlias = Literal[
    MetricName, "accuracy", "accuracy_among_answered", "flip_rate"
]
GapName: TypeAlias = Literal[
    "selection_rate", "true_positive_rate", "false_positive_rate", "average_odds"
]
OutcomeName: TypeAlias = Literal["answer_rate", "refusal_rate", "scoring_rate"]
FourFifths: TypeAlias = Literal["below", "not below", "open"]


class _Interval(TypedDict):
    """The numbers of an interval."""

    value: float | None
    """The estimate; null where it is not defined or rests on too few answers."""
    low: float | None
    """The lower end of the confidence interval; null where `value` is."""
    high: float | None
    """The upper end of the confidence interval; null where `value` is."""


class Interval(_Interval, total=False):
    """An estimate with its confidence interval, at the level `settings.confidence`."""

    reason: str
    """Why there is no estimate, as the end of a sentence; only there where `value` is null."""


ByRule: TypeAlias = dict[str, Interval]
"""Rule -> estimate."""
