"""A table from a file, some rows at a time: whatever its length, few of them are held at once."""

from __future__ import annotations

import gzip
import json
import warnings
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from leanfair.data.delimited import Note, read_delimited, reading_text
from leanfair.data.spreadsheet import read_workbook
from leanfair.data.streams.naming import DELIMITERS, KINDS, WORKBOOKS, kind_of
from leanfair.errors import InputError

Row = dict[str, Any]
ROWS = 1024
"""Rows that are held at once."""


class Batch(NamedTuple):
    """Some rows of a table, each field -> value; of a parquet file `arrow` holds the same as they
    stand there, None of others."""

    rows: list[Row]
    arrow: Any = None


def warn(remark: str) -> None:
    """A remark on a table as a warning to whoever reads it."""
    warnings.warn(remark, stacklevel=5)


def table_batches(
    path: str | Path, *, encoding: str | None = None, note: Note = warn, rows: int = ROWS
) -> Iterator[Batch]:
    """The rows of a table, at most `rows` at a time.

    `encoding`: that of a text file which is neither UTF-8 nor begins with a byte order mark.
    `note`: called with one sentence for whatever was read otherwise than its name promises; by
    default it is a warning. A workbook is read whole.

    Raises InputError where there is no such file, where it is none, and, by its number (from 1,
    below the header), for a row that is broken, once it is reached.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no table {path}: give {KINDS}.")
    kind = kind_of(path)
    try:
        if kind == ".parquet":
            yield from _parquet(path, rows)
        elif kind in WORKBOOKS:
            yield from _some(read_workbook(path, note), rows)
        else:
            with _opened(path, kind) as file:
                yield from _some(_read_text(file, path, kind, encoding, note), rows)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error


def first_rows(path: str | Path) -> list[Row]:
    """The first rows of a table, none of an empty one."""
    batches = table_batches(path, note=lambda remark: None, rows=1)
    return next(batches, Batch([])).rows


def schema_of(path: str | Path) -> Any:
    """The schema of a parquet file, as pyarrow has it; None of any other table."""
    path = Path(path)
    if kind_of(path) != ".parquet":
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error


def _some(rows: Iterable[Row], count: int) -> Iterator[Batch]:
    rest = iter(rows)
    while some := list(islice(rest, count)):
        yield Batch(some)


def _opened(path: Path, kind: str) -> IO[bytes] | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.open(path)
    file = path.open("rb")
    if kind in DELIMITERS and file.read(4) == b"PK\x03\x04":
        file.close()
        raise InputError(
            f"{path} is an Excel workbook, not text: name it .xlsx, or save it as .csv."
        )
    file.seek(0)
    return file


def _read_text(
    file: IO[bytes] | gzip.GzipFile, path: Path, kind: str, encoding: str | None, note: Note
) -> Iterator[Row]:
    # Only line feeds end a line of JSON: other separators may stand inside of a string.
    newline = "" if kind in DELIMITERS else "\n"
    with reading_text(file, path, encoding, newline) as text:
        if kind in DELIMITERS:
            yield from read_delimited(text, path, DELIMITERS[kind], note)
        else:
            yield from _read_lines(path, text)


def _read_lines(path: Path, text: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate((line for line in text if line.strip()), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"Row {number} of {path} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InputError(f"Row {number} of {path} is no object of fields: {line.strip()[:50]}")
        yield row


def _parquet(path: Path, count: int) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_names(file.schema_arrow.names, path)
            for batch in file.iter_batches(count, use_threads=False):
                if batch.num_rows:
                    yield Batch(batch.to_pylist(), batch)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error


def check_names(names: list[str], path: object) -> None:
    """Raise InputError where two columns have one name."""
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path} has two columns {twice!r}: give each its own name.")
