"""What is right, in the words of a table: 1 and 0, TRUE and FALSE, ">50K", Approved and Denied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from leanfair.errors import InputError, OptionError
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.types import Record
from leanfair.fairness.unknown import plain, says_nothing, whole

Labels: TypeAlias = "Mapping[Any, str] | str | None"

_SHOWN = 10
_TRUTH = {"true": "1", "false": "0"}
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def truth_of(
    rows: Sequence[Record],
    numbers: Sequence[int],
    label: str,
    favourable: str,
    options: Sequence[str],
    labels: Labels,
) -> list[str]:
    """The option that each row's label means.

    `numbers`: what messages call the rows by. `labels`: what each value of the column means; or the
    one value that means `favourable`, where there are two options. A label that is blank, or that
    says that it is not known, is never taken for one: raises InputError, as for one that is none of
    the options.
    """
    values = [row[label] for row in rows]
    meant = meanings(values, label, favourable, options, labels)
    nothing = [
        n
        for n, value in zip(numbers, values, strict=True)
        if says_nothing(value) and as_label(value) not in meant
    ]
    if nothing:
        raise InputError(
            f"{name_rows(nothing)} of the table: no label in the column {label!r}. Fill it in, "
            f"leave such rows out, or audit without a label."
        )
    for number, value in zip(numbers, values, strict=True):
        if as_label(value) not in meant:
            raise _strange(number, value, values, label, favourable, options)
    return [meant[as_label(value)] for value in values]


def meanings(
    values: Sequence[Any], label: str, favourable: str, options: Sequence[str], labels: Labels
) -> Mapping[str, str]:
    """The option that each value of the label column means."""
    seen = {as_label(value) for value in values}
    if isinstance(labels, Mapping):
        for option in labels.values():
            if option not in options:
                raise InputError(
                    f"labels maps to {option!r}, which is none of the options: "
                    f"{', '.join(options)}."
                )
        return {as_label(value): option for value, option in labels.items()}
    others = [option for option in options if option != favourable]
    if labels is not None:
        return _by_one(values, seen, label, favourable, others, labels)
    named = {as_label(option): option for option in options}
    if len(others) == 1 and not seen <= named.keys() and _known(values) <= {"0", "1"}:
        return {"1": favourable, "0": others[0]}
    return named


def _by_one(
    values: Sequence[Any],
    seen: set[str],
    label: str,
    favourable: str,
    others: Sequence[str],
    good: Any,
) -> Mapping[str, str]:
    """Where the value `good` alone means `favourable`, and every other the other option."""
    if len(others) != 1:
        raise InputError("With more than two options, give labels as a dict: value to option.")
    if as_label(good) not in seen:
        raise OptionError(
            f"The column {label!r} holds no {good!r}, which {{labels}} says means {favourable!r}: "
            f"it holds {_some(values)}.",
            "labels",
        )
    return {**dict.fromkeys(_known(values), others[0]), as_label(good): favourable}


def _known(values: Iterable[Any]) -> set[str]:
    """The values that say something."""
    return {as_label(value) for value in values if not says_nothing(value)}


def _strange(
    number: int,
    value: Any,
    values: Sequence[Any],
    label: str,
    favourable: str,
    options: Sequence[str],
) -> InputError:
    start = (
        f"Row {number} of the table: the label {value!r} is none of the options "
        f"({', '.join(options)})"
    )
    if len(options) > 2:
        return InputError(f"{start}: write the column {label!r} as the options are written.")
    return OptionError(
        f"{start}. The column {label!r} holds {_some(values)}: say with {{labels}} which of them "
        f"means {favourable!r}.",
        "labels",
    )


def _some(values: Iterable[Any]) -> str:
    distinct = sorted({str(value) for value in values if not says_nothing(value)})
    shown = ", ".join(map(repr, islice(distinct, _SHOWN)))
    more = len(distinct) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def as_label(value: Any) -> str:
    """How labels are told apart: 1, "1.0", True and "TRUE" are one, and so are "Yes" and "yes "."""
    text = plain(int(value) if isinstance(value, (bool, np.bool_)) else whole(value))
    number = _WHOLE.fullmatch(text)
    return number[1] if number else _TRUTH.get(text, text)
