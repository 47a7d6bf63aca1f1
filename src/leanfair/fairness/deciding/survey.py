"""A table is looked through once before anything is asked: what is wrong with it is told then."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanfair.data.delimited import Note
from leanfair.data.streams.naming import kind_of
from leanfair.data.streams.reading import Batch, schema_of, table_batches
from leanfair.data.streams.writing import Types, check_rows
from leanfair.errors import InputError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.tables.table import item_of
from leanfair.fairness.types import Decision, Item, Record
from leanfair.fairness.unknown import is_blank

Batches = Callable[[], Iterable[Batch]]
"""Reads a table from its beginning."""


@dataclass(frozen=True)
class Source:
    """The file of a table, of text in an `encoding`."""

    path: Path
    encoding: str | None = None

    def batches(self, note: Note = lambda remark: None) -> Iterator[Batch]:
        """Its rows, some at a time."""
        return table_batches(self.path, encoding=self.encoding, note=note)


@dataclass(frozen=True)
class Survey:
    """What a table is. `names`: its columns; `empty`: the numbers, from 1, of the rows in which all
    that the prompt shows is empty; `schema`: its columns as a parquet file holds them, where one is
    to be written."""

    rows: int
    names: tuple[str, ...]
    empty: Sequence[int]
    schema: Any = None

    @property
    def told(self) -> str:
        """A sentence on rows that are empty, "" where none is."""
        if not self.empty:
            return ""
        return (
            f"{name_rows(self.empty)} of {self.rows}: empty where the prompt looks, so nothing was "
            f"asked and nothing decided."
        )


def survey_of(
    source: Source,
    slots: Sequence[str],
    decider: Decider,
    out: str | Path,
    note: Note,
    *,
    part: bool = False,
) -> Survey:
    """Look through a table that is decided about with a prompt of `slots`, and written to `out`
    with its decisions. `part`: whether it is one of several of a table, which may be empty, or hold
    no value of the attribute.

    Raises InputError in one sentence for what cannot be read, decided about or written.
    """
    kind = kind_of(out, writing=True)
    schema = schema_of(source.path) if kind == ".parquet" else None
    types = Types() if kind == ".parquet" and schema is None else None
    names: dict[str, None] = {} if schema is None else dict.fromkeys(schema.names)
    empty, count = array("q"), 0
    strange = _Strange(decider, slots)
    for batch in source.batches(note):
        names.update(dict.fromkeys(name for row in batch.rows for name in row))
        empty.extend(empty_of(batch.rows, slots, count + 1))
        if types is not None:
            types.add(batch.rows)
        elif kind != ".parquet":
            check_rows(kind, batch.rows, count + 1)
        count += len(batch.rows)
        if not part:
            strange.add(batch.rows, names, count - len(batch.rows) + 1)
    if count or not part:
        _check(source, count, names, slots)
    if len(empty) == count and not part:
        raise InputError(
            f"Every row of the table is empty in what the prompt shows ({', '.join(slots)})."
        )
    strange.check()
    return Survey(count, tuple(names), empty, schema if types is None else types.schema)


def evened(rows: Sequence[Record], names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows, each with all fields: None where a row lacks one, as JSON may leave it out."""
    return [
        dict(row) if len(row) == len(names) else {name: row.get(name) for name in names}
        for row in rows
    ]


def empty_of(rows: Sequence[Record], slots: Sequence[str], first: int) -> list[int]:
    """The numbers of rows in which all that the prompt shows is empty; `first`: that of the
    first."""
    return [
        number
        for number, row in enumerate(rows, start=first)
        if all(is_blank(row.get(slot)) for slot in slots)
    ]


def items_of(
    rows: Sequence[Record], slots: Sequence[str], first: int
) -> tuple[list[Item], list[int]]:
    """What is decided about, and the numbers of the rows: those that are not empty."""
    empty = {*empty_of(rows, slots, first)}
    numbers = [n for n in range(first, first + len(rows)) if n not in empty]
    return [item_of(rows[n - first], n, slots) for n in numbers], numbers


NOTHING_DECIDED = Decision(
    None,
    {},
    "empty",
    0.0,
    forward_passes=0,
    note="the row is empty where the prompt looks: nothing was asked",
)
"""The decision about a row that is empty where the prompt looks."""


class _Strange:
    """Looks for a row that holds a value of the attribute that must not count."""

    def __init__(self, decider: Decider, slots: Sequence[str]) -> None:
        self._decider, self._slots = decider, slots
        self._first: InputError | None = None
        self._found = False

    def add(self, rows: Sequence[Record], names: Iterable[str], first: int) -> None:
        if any(slot not in names for slot in self._slots):
            return  # a later row may have it; else that is told
        items, numbers = items_of(evened(rows, [*names]), self._slots, first)
        if self._found or not items:
            return
        error = self._decider.strangeness(items, numbers)
        self._found = error is None
        self._first = self._first or error

    def check(self) -> None:
        if self._first is not None and not self._found:
            raise self._first


def _check(source: Source, count: int, names: Iterable[str], slots: Sequence[str]) -> None:
    if not count:
        raise InputError(f"The table {source.path} has no rows: give at least one.")
    for slot in slots:
        if slot not in names:
            raise InputError(
                f"{name_rows(range(1, count + 1))} of the table: the field {slot!r}, which the "
                f"prompt asks for, is not there."
            )
