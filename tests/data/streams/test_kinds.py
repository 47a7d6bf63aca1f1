"""A column that mixes kinds of values is told as soon as it does."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from leanfair.data.streams.kinds import ColumnKinds
from leanfair.errors import InputError

DAY = datetime.date(2024, 1, 2)


@pytest.mark.parametrize(
    "values",
    [[1, "a"], [True, 1], [DAY, datetime.datetime(2024, 1, 2)], [[1], ["a"]], [{"a": 1}, [1]],
     [{"a": 1}, {"a": "b"}], [b"a", "a"]],
)  # fmt: skip
def test_mixed_kinds_are_told_with_the_column(values: list[Any]) -> None:
    kinds = ColumnKinds("größe")
    kinds.add(values[0])
    kinds.add(None)
    with pytest.raises(InputError, match="column 'größe' mixes"):
        kinds.add(values[1])


def test_one_kind_with_gaps_is_taken() -> None:
    kinds = ColumnKinds("a")
    for value in [None, 1, 2.5, None, float("nan")]:
        kinds.add(value)
