"""The groups that samples of a classifier's test data belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from leanfair.data.batches import Batch, Source, iterate
from leanfair.errors import InputError
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.tables.cuts import check_classes
from leanfair.fairness.tables.groups import groupings_of_rows

Telling: TypeAlias = Callable[[Batch], Sequence[Any]]
Given: TypeAlias = "str | Sequence[Any] | Mapping[str, Any] | Telling | np.ndarray[Any, Any]"
"""What tells the groups: the name of a column of the data, or several; one value a sample; a dict
of name -> one value a sample; or a function of a batch (see `leanfair.data.batches.Batch`) that
gives one value a sample."""

NAME = "group"
"""What groups are by that have no name."""


def groupings_of(
    given: Given, test: Source, size: int, batch_size: int = 256
) -> tuple[list[Grouping], list[str]]:
    """The groups of the `size` samples of `test`, by each column and by all together, and what was
    folded together or is not known. Raises InputError where the groups do not fit the data."""
    columns = _columns(given, test, size, batch_size)
    for name, values in columns.items():
        if len(values) != size:
            raise InputError(
                f"The groups by {name} are {len(values)} values, but the test data have {size} "
                f"samples: give one value a sample, in their order."
            )
        _check_classes(name, values)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return groupings_of_rows(rows, list(columns), {})


def _check_classes(name: str, values: Sequence[Any]) -> None:
    """Raise InputError for numbers that make no groups."""
    try:
        check_classes(name, values)
    except InputError:
        raise InputError(
            f"The groups by {name} are {len(set(values))} different numbers, which make no groups: "
            f"put them into classes first, such as 18 to 29 and 30 to 49."
        ) from None


def _columns(given: Given, test: Source, size: int, batch_size: int) -> dict[str, list[Any]]:
    if isinstance(given, str):
        return {given: _column(given, test)}
    if isinstance(given, Mapping):
        return {str(name): _listed(values, str(name)) for name, values in given.items()}
    if callable(given):
        return {NAME: _told(given, test, batch_size)}
    values = _listed(given, NAME)
    names = all(isinstance(value, str) for value in values)
    if names and len(values) != size and values and set(values) <= set(columns_of(test)):
        return {name: _column(name, test) for name in dict.fromkeys(values)}
    return {NAME: values}


def columns_of(test: Any) -> list[str]:
    """The columns that the data have besides what a network is given."""
    held = getattr(test, "columns", None)
    names = held if isinstance(held, Mapping) else getattr(test, "column_names", None)
    return [str(name) for name in names] if names is not None else []


def _column(name: str, test: Any) -> list[Any]:
    known = columns_of(test)
    if name not in known:
        has = f"they have {', '.join(known)}" if known else "they have no columns"
        raise InputError(
            f"The test data have no column {name!r} of groups: {has}. Name one of a table, or give "
            f"one value a sample."
        )
    held = getattr(test, "columns", None)
    return _listed(held[name] if isinstance(held, Mapping) else test[name], name)


def _listed(values: Any, name: str) -> list[Any]:
    """The values as a list, such as an array, a tensor or a column of a data frame holds."""
    plain = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(plain, (str, bytes)) or not isinstance(plain, Sequence):
        try:
            plain = list(plain)
        except TypeError:
            raise InputError(
                f"The groups by {name} are of type {type(values).__name__}: give one value a "
                f"sample."
            ) from None
    return list(plain)


def _told(tell: Telling, test: Source, batch_size: int) -> list[Any]:
    """What a function says of each batch."""
    found: list[Any] = []
    with torch.no_grad():
        for number, batch in enumerate(iterate(test, batch_size), start=1):
            values = _listed(tell(batch), NAME)
            if len(values) != len(batch):
                raise InputError(
                    f"The function of groups gives {len(values)} values for the {len(batch)} "
                    f"samples of batch {number}: give one a sample."
                )
            found += values
    return found
