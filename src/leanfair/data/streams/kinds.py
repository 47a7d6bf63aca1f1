"""Which kinds of values a column of a parquet file would mix, told as they come."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Mapping
from typing import Any

from leanfair.errors import InputError


class ColumnKinds:
    """The kinds of values that a column holds so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: dict[tuple[str, ...], dict[str, None]] = {}

    def add(self, value: Any) -> None:
        """Take one more value. Raises InputError where the column mixes kinds: pyarrow would make
        one of the other, as a moment among dates loses its hours, and a number among times becomes
        one."""
        self._add(value, ())

    def _add(self, value: Any, place: tuple[str, ...]) -> None:
        if value is None or type(value).__name__ == "NaTType":
            return
        found = self._found.setdefault(place, {})
        found[_kind_of(value)] = None
        if len(found) > 1:
            raise InputError(
                f"The column {self._name!r} mixes {' and '.join(found)}, which no column of a "
                f"parquet file can hold together: make it one type, or write .csv."
            )
        if isinstance(value, (list, tuple)):
            for one in value:
                self._add(one, (*place, "[]"))
        elif isinstance(value, Mapping):
            for key, one in value.items():
                self._add(one, (*place, str(key)))


def _kind_of(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return "moments" if value.tzinfo is None else "moments with a time zone"
    if type(value).__name__ in ("bool", "bool_"):
        return "truth values"
    kinds = (
        (numbers.Number, "numbers"),
        (str, "texts"),
        (bytes, "bytes"),
        (datetime.date, "dates"),
        (datetime.time, "times of day"),
        (datetime.timedelta, "durations"),
        ((list, tuple), "lists"),
        (Mapping, "records"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), type(value).__name__)
