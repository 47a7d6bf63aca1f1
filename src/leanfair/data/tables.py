"""Tables of records, from a file and to one: CSV, JSON lines, parquet or Excel, told by the name.

Values of a CSV stay texts, as they stand there. Files that end in .gz are (de)compressed. Tables
that are larger than memory are read and written in `streams`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanfair.data.delimited import Note
from leanfair.data.streams.naming import DELIMITERS, JSON_LINES, kind_of
from leanfair.data.streams.reading import Row, table_batches, warn
from leanfair.data.streams.writing import Types, check_rows, writing_table
from leanfair.errors import InputError

__all__ = [
    "DELIMITERS", "JSON_LINES", "Row", "check_columns", "check_writable", "kind_of", "read_table",
    "write_table",
]  # fmt: skip


def read_table(path: str | Path, *, encoding: str | None = None, note: Note = warn) -> list[Row]:
    """The rows of a table, each a field -> value.

    encoding: that of a text file which is neither UTF-8 nor begins with a byte order mark.
    note: called with one sentence for whatever was read otherwise than its name promises; by
        default it is a warning.

    Raises InputError where there is no such file, where it is none, and, by its number (from 1,
    below the header), for a row that is broken.
    """
    batches = table_batches(path, encoding=encoding, note=note)
    rows = [row for batch in batches for row in batch.rows]
    if not rows:
        raise InputError(f"The table {path} has no rows: give at least one.")
    return rows


def write_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows in one piece; a row may lack fields of others. In a CSV, dates and decimals are
    written as texts, lists and records as JSON, and None as nothing.

    Raises InputError, naming row and column, for a value that this kind of file cannot hold.
    """
    path = Path(path)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with writing_table(path, names) as table:
        table.write(rows)
    return path


def check_writable(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError now for what `write_table` would raise it for later."""
    kind = kind_of(path, writing=True)
    if kind == ".parquet":
        Types.schema_of(rows)
    else:
        check_rows(kind, rows)


def check_columns(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str], what: str) -> None:
    """Raise InputError, naming those that there are, where `rows` lack one of the columns."""
    for column in wanted:
        if column not in rows[0]:
            raise InputError(
                f"{what} has no column {column!r}: it has {', '.join(map(str, rows[0]))}."
            )
