"""Shares, points, intervals and p values of an audit, as a reader wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leanfair.html import formats as f

Summary = Mapping[str, Any]
Span = tuple[float, float, float]
"""A value, the low and the high end of its interval."""

UNKNOWN = "not known"
CLOSE = 5e-4


def span(found: Any) -> Span | None:
    """An interval of summary.json; None where nothing can be said."""
    if not isinstance(found, Mapping):
        return None
    value, low, high = (f.finite(found.get(key)) for key in ("value", "low", "high"))
    return None if value is None or low is None or high is None else (value, low, high)


def reason(found: Any) -> str:
    """Why nothing can be said."""
    why = str(found.get("reason") or "") if isinstance(found, Mapping) else ""
    return why or "it was not measured"


def share(value: Any) -> str:
    """18.1%."""
    return f.percent(value)


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign: +18.1."""
    return f.signed(100 * value, 1)


def size(value: float) -> str:
    """The same without a sign, for differences that have none: 18.1."""
    return f.signed(abs(100 * value), 1).lstrip("+")


def between(found: Span, form: Any) -> str:
    """The interval alone: 12.4% to 24.8%."""
    return f"{form(found[1])} to {form(found[2])}"


def p_value(value: Any) -> str:
    """A p value with no more digits than it has a meaning in."""
    number = f.finite(value)
    if number is None:
        return f.DASH
    if number < 0.001:
        return "< 0.001"
    return f"{number:.3f}" if number < 0.0995 else f"{number:.2f}"


def chances(summary: Summary) -> str:
    """How sure the intervals are: 95 %."""
    return f"{100 * confidence(summary):g}%"


def confidence(summary: Summary) -> float:
    """The share of intervals that hold what is true."""
    return f.finite(summary.get("settings", {}).get("confidence")) or 0.95


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    found = [str(word) for word in words]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def attribute(summary: Summary) -> str:
    """What was varied, in words; empty where nothing was."""
    names = summary.get("attribute") or []
    return listed([names] if isinstance(names, str) else names)


def lead(summary: Summary) -> Mapping[str, Any]:
    """The grouping to look at first: that by the attribute which was varied, else the last one."""
    names = {str(name).lower() for name in summary.get("attribute") or []}
    for grouping in summary["groupings"]:
        if {column.lower() for column in grouping["columns"]} == names:
            return dict(grouping)
    return dict(summary["groupings"][-1])


def shown_rule(summary: Summary) -> str | None:
    """The rule that is set beside the judge as it stands: the audited one, else `mean`."""
    others = [rule for rule in summary["rules"] if rule != "none"]
    if summary["rule"] != "none":
        return str(summary["rule"])
    return "mean" if "mean" in others else others[0] if others else None


def titled(rule: str) -> str:
    """A rule as a column is headed."""
    return "as it stands" if rule == "none" else rule
