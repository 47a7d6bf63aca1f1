"""Classes of a column of numbers, such as ages: by the cut points that are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from leanfair.errors import OptionError
from leanfair.fairness.unknown import says_nothing

Cuts: TypeAlias = "tuple[float, ...]"
"""Where one class ends and the next begins: the value itself belongs to the class above."""

MOST_CODES = 10
"""More distinct numbers than this are no codes of groups."""


def cuts_of(given: Mapping[str, Sequence[float]] | str | Iterable[str] | None) -> dict[str, Cuts]:
    """Column -> cut points, from a dict, or from texts such as "age=30,45". Raises OptionError."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {column: _checked(column, points) for column, points in given.items()}
    found = {}
    for text in [given] if isinstance(given, str) else given:
        column, sign, points = str(text).rpartition("=")
        if not sign or not column:
            raise OptionError(
                f"{{cuts}} takes a column and its cut points, as in age=30,45,60, not {text!r}.",
                "cuts",
            )
        found[column] = _checked(column, points.split(","))
    return found


def classes_of(
    column: str, values: Sequence[Any], cuts: Cuts
) -> tuple[list[str | None], list[str]]:
    """The class of each value, None where it is no number; and a sentence where there are such."""
    numbers = [None if says_nothing(value) else as_number(value) for value in values]
    whole = all(n is None or n.is_integer() for n in numbers) and all(
        float(c).is_integer() for c in cuts
    )
    names = _names(cuts, whole)
    found = [
        None if number is None else names[int(np.searchsorted(cuts, number, side="right"))]
        for number in numbers
    ]
    strange = [
        value
        for value, number in zip(values, numbers, strict=True)
        if number is None and not says_nothing(value)
    ]
    if not strange:
        return found, []
    return found, [
        f"{len(strange)} values of the column {column!r} are no numbers, such as {strange[0]!r}: "
        f"their class is unknown."
    ]


def check_classes(column: str, values: Iterable[Any]) -> None:
    """Raise OptionError, with cut points that would do, where a column of groups holds numbers that
    are no codes: more than MOST_CODES different ones."""
    known = [value for value in values if not says_nothing(value)]
    numbers = [number for number in map(as_number, known) if number is not None]
    distinct = set(numbers)
    if len(distinct) <= MOST_CODES or len(numbers) < len(known):
        return
    points = ",".join(f"{point:g}" for point in sensible(numbers))
    raise OptionError(
        f"The column {column!r} holds {len(distinct)} different numbers, from {min(numbers):g} to "
        f"{max(numbers):g}, which make no groups: give the cut points of classes with {{cuts}}, "
        f"such as {column}={points}.",
        "cuts",
    )


def sensible(numbers: Sequence[float]) -> list[float]:
    """Round cut points that leave about a quarter of `numbers` in each class."""
    quarters = np.quantile(numbers, [0.25, 0.5, 0.75])
    spread = max(float(quarters[-1] - quarters[0]), 1e-9)
    size = 10.0 ** math.floor(math.log10(spread / 5))
    step = next(size * k for k in (5, 2, 1) if size * k <= spread / 5)
    points = sorted({float(round(round(q / step) * step, 12)) for q in quarters.tolist()})
    inside = [point for point in points if min(numbers) < point <= max(numbers)]
    return inside or [float(np.median(numbers))]


def as_number(value: Any) -> float | None:
    """A value as a finite number; None where it is none. Truth values are no numbers."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _checked(column: str, points: Iterable[Any]) -> Cuts:
    found = [as_number(point) for point in points]
    numbers = [number for number in found if number is not None]
    if not numbers or len(numbers) < len(found) or any(a >= b for a, b in pairwise(numbers)):
        raise OptionError(
            f"{{cuts}}: the cut points of {column!r} are to be numbers, each above the one before.",
            "cuts",
        )
    return tuple(numbers)


def _names(cuts: Cuts, whole: bool) -> list[str]:
    between = [
        f"{low:g} to {high - 1:g}" if whole and high - low > 1
        else f"{low:g}" if whole
        else f"{low:g} to below {high:g}"
        for low, high in pairwise(cuts)
    ]  # fmt: skip
    return [f"below {cuts[0]:g}", *between, f"{cuts[-1]:g} and above"]
