"""Shares, points, intervals and p values of an audit, as a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from leanfair.fairness import schema
from leanfair.html import formats as f

Span: TypeAlias = tuple[float, float, float]
"""A value, the low and the high end of its interval."""
Form: TypeAlias = Callable[[float], str]
"""How a number is written."""

UNKNOWN = "not known"
CLOSE = 5e-4


def span(interval: schema.Interval) -> Span | None:
    """The numbers of an interval; None where there is no estimate."""
    value, low, high = interval["value"], interval["low"], interval["high"]
    return None if value is None or low is None or high is None else (value, low, high)


def reason(interval: schema.Interval) -> str:
    """Why there is no estimate."""
    return interval.get("reason", "")


def share(value: float) -> str:
    """18.1%."""
    return f.percent(value)


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign: +18.1."""
    return f.signed(100 * value, 1)


def size(value: float) -> str:
    """The same without a sign, for differences that have none: 18.1."""
    return f.signed(abs(100 * value), 1).lstrip("+")


def between(span: Span, form: Form) -> str:
    """The interval alone: 12.4% to 24.8%."""
    return f"{form(span[1])} to {form(span[2])}"


def p_value(value: float | None) -> str:
    """A p-value with no more digits than are meaningful."""
    if value is None:
        return f.DASH
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def confidence(summary: schema.Summary) -> str:
    """The level of the intervals: 95%."""
    return f"{100 * summary['settings']['confidence']:g}%"


def alpha(summary: schema.Summary) -> float:
    """The significance level that goes with the intervals: 0.05."""
    return 1 - summary["settings"]["confidence"]


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def attribute(summary: schema.Summary) -> str:
    """The attributes that were varied, in words; empty where there are none."""
    return listed(summary["attribute"] or [])


def lead(summary: schema.Summary) -> schema.Grouping:
    """The grouping to show first: that by the attribute which was varied, else the last one."""
    names = {name.lower() for name in summary["attribute"] or []}
    for grouping in summary["groupings"]:
        if {column.lower() for column in grouping["columns"]} == names:
            return grouping
    return summary["groupings"][-1]


def shown_rule(summary: schema.Summary) -> str | None:
    """The rule that is compared with the judge without a rule: the audited one, else `mean`."""
    others = [rule for rule in summary["rules"] if rule != "none"]
    if summary["rule"] != "none":
        return summary["rule"]
    return "mean" if "mean" in others else others[0] if others else None


def titled(rule: str) -> str:
    """A rule as a column is headed."""
    return "as it stands" if rule == "none" else rule
