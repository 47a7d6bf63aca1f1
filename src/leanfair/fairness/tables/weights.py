"""Columns of numbers: weights of a survey, counts of people, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leanfair.errors import InputError, OptionError
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.tables.cuts import as_number
from leanfair.fairness.types import Record
from leanfair.fairness.unknown import says_nothing
from leanfair.statistics import Floats


@dataclass(frozen=True, eq=False)
class Weights:
    """What each row counts, `values` [n], None for 1; whether rows are `counted` people, each drawn
    independently; and what is to be told about them."""

    values: Floats | None = None
    counted: bool = False
    notes: tuple[str, ...] = ()


def weights_of(
    rows: Sequence[Record],
    numbers: Sequence[int],
    weight: str | None,
    count: str | None,
    cluster: str | None = None,
) -> Weights:
    """The weights in the column `weight`, or the counts of people in the column `count`. Raises
    InputError for one that is no number, below 0, or, of counts, not whole."""
    if weight is None and count is None:
        return Weights()
    if weight is not None and count is not None:
        raise OptionError(
            "{weight} and {count} are two ways of one thing: give one.", "weight", "count"
        )
    if count is not None and cluster is not None:
        raise OptionError(
            "{count} says that a row stands for several people, and {cluster} that several rows "
            "are of one: give one of them.",
            "count",
            "cluster",
        )
    column = weight if count is None else count
    assert column is not None
    found = [as_number(row[column]) for row in rows]
    wanted = "a number, 0 or more" if count is None else "a whole number, 0 or more"
    wrong = [
        number
        for number, value in zip(numbers, found, strict=True)
        if value is None or value < 0 or (count is not None and not value.is_integer())
    ]
    if wrong:
        raise InputError(
            f"{name_rows(wrong)} of the table: what stands in the column {column!r} is not "
            f"{wanted}. Fill it in, or leave such rows out."
        )
    values = np.array(found, float)
    if not values.sum() > 0:
        raise InputError(f"The column {column!r} holds nothing but 0: no row counts.")
    nothing = int((values == 0).sum())
    told = (f"{nothing} rows count nothing: they hold 0 in the column {column!r}.",)
    return Weights(values, count is not None, told if nothing else ())


def scores_of(rows: Sequence[Record], numbers: Sequence[int], column: str) -> Floats:
    """The scores in a column [n], NaN where there is none. Raises InputError for one that is no
    number."""
    found = [None if says_nothing(row[column]) else as_number(row[column]) for row in rows]
    wrong = [
        number
        for number, row, score in zip(numbers, rows, found, strict=True)
        if score is None and not says_nothing(row[column])
    ]
    if wrong:
        raise InputError(
            f"{name_rows(wrong)} of the table: what stands in the column {column!r} is no number. "
            f"Leave it empty where there is no score."
        )
    return np.array([np.nan if score is None else score for score in found], float)
