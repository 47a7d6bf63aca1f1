"""A table to a file, some rows at a time: whole at its place in the end, or not there at all."""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from leanfair.data.delimited import write_rows
from leanfair.data.streams.kinds import ColumnKinds
from leanfair.data.streams.naming import DELIMITERS, kind_of
from leanfair.data.streams.reading import Row
from leanfair.errors import InputError, first_line
from leanfair.files.writing import writing

Rows = Sequence[Mapping[str, Any]]


class TableWriter(Protocol):
    """Takes the rows of a table, some at a time."""

    def write(self, rows: Rows, arrow: Any = None) -> None:
        """Write some more rows; one may lack fields of others. `arrow`: the columns that these rows
        have from a parquet file, as pyarrow has them. Raises InputError, naming row and column, for
        a value that this kind of file cannot hold."""


@contextmanager
def writing_table(
    path: str | Path,
    names: Sequence[str],
    schema: Any = None,
    metadata: Callable[[], Mapping[bytes, bytes]] | None = None,
) -> Iterator[TableWriter]:
    """A writer of a table with the columns `names`, which is at `path` once this has ended well.

    In a CSV, dates and decimals are written as texts, lists and records as JSON, and None as
    nothing. `schema`: the types of a parquet file's columns (see `Types`), without which all rows
    have to be written at once; `metadata`: what such a file says of itself, asked for in the end.
    """
    path = Path(path)
    kind = kind_of(path, writing=True)
    with writing(path) as file:
        if kind == ".parquet":
            parquet = _Parquet(file, names, schema)
            said: Mapping[bytes, bytes] = {}
            try:
                yield parquet
                said = said if metadata is None else metadata()
            finally:
                parquet.close(said)
            return
        packed = None if path.suffix != ".gz" else gzip.GzipFile("", "wb", fileobj=file, mtime=0)
        text = io.TextIOWrapper(packed or file, encoding="utf-8", newline="")
        yield _Delimited(text, names, DELIMITERS[kind]) if kind in DELIMITERS else _Lines(text)
        text.flush()
        text.detach()
        if packed is not None:
            packed.close()


class _Delimited:
    """Writes delimited text."""

    def __init__(self, sink: Any, names: Sequence[str], separator: str) -> None:
        self._sink, self._names, self._separator = sink, list(names), separator
        self._count = 0
        with _told():
            write_rows(sink, [self._names], separator)

    def write(self, rows: Rows, arrow: Any = None) -> None:
        """See `TableWriter`."""
        plain = [_each(row, self._count + i, _cell) for i, row in enumerate(rows, start=1)]
        self._count += len(plain)
        with _told():
            cells = ([row.get(name) for name in self._names] for row in plain)
            write_rows(self._sink, cells, self._separator)


class _Lines:
    """Writes lines of JSON."""

    def __init__(self, sink: Any) -> None:
        self._sink, self._count = sink, 0

    def write(self, rows: Rows, arrow: Any = None) -> None:
        """See `TableWriter`."""
        for row in rows:
            self._count += 1
            found = _each(row, self._count, _as_json)
            with _told():
                line = json.dumps(found, ensure_ascii=False, allow_nan=False)
                self._sink.write(f"{line}\n")


class _Parquet:
    """Writes a parquet file, a row group at a time."""

    def __init__(self, file: IO[bytes], names: Sequence[str], schema: Any) -> None:
        self._file, self._names, self._schema = file, list(names), schema
        self._writer: Any = None

    def write(self, rows: Rows, arrow: Any = None) -> None:
        """See `TableWriter`."""
        import pyarrow as pa

        if self._schema is None:
            self._schema = Types.schema_of(rows, self._names)
        columns = []
        for field in self._schema:
            if arrow is not None and field.name in arrow.schema.names:
                columns.append(arrow.column(field.name))
            else:
                values = [row.get(field.name) for row in rows]
                columns.append(_column(field.name, values, field.type))
        try:
            if self._writer is None:
                self._begin()
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        except (pa.ArrowException, ValueError) as error:
            raise InputError(f"The table cannot be written as parquet: {error}.") from error

    def close(self, metadata: Mapping[bytes, bytes]) -> None:
        """End the file, with what it says of itself."""
        if self._writer is None:
            if self._schema is None:
                self._schema = Types(self._names).schema
            self._begin()
        if metadata:
            self._writer.add_key_value_metadata(metadata)
        self._writer.close()

    def _begin(self) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self._file, self._schema)


class Types:
    """The types of the columns of a parquet file, found out before it is written."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._found: dict[str, Any] = dict.fromkeys(names)
        self._kinds: dict[str, ColumnKinds] = {}

    def add(self, rows: Rows) -> None:
        """Take some rows. Raises InputError for a column that no parquet file can hold."""
        import pyarrow as pa

        for name in dict.fromkeys([*self._found, *(name for row in rows for name in row)]):
            values = [row.get(name) for row in rows]
            kinds = self._kinds.setdefault(name, ColumnKinds(name))
            for value in values:
                kinds.add(value)
            new, old = _column(name, values).type, self._found.get(name)
            try:
                self._found[name] = new if old is None else _joined(old, new)
            except pa.ArrowException as error:
                raise _mixed(name, error) from error

    @property
    def schema(self) -> Any:
        """The schema, as pyarrow has it. Raises InputError for a type that it cannot write."""
        import pyarrow as pa

        # Not `kind or`: an object without fields is a type, but counts as false.
        kinds = {n: pa.null() if kind is None else kind for n, kind in self._found.items()}
        for name, kind in kinds.items():
            _check_written(name, kind)
        return pa.schema(list(kinds.items()))

    @classmethod
    def schema_of(cls, rows: Rows, names: Sequence[str] = ()) -> Any:
        """The schema of all of `rows`, the columns `names` first."""
        types = cls(names)
        types.add(rows)
        return types.schema


def _check_written(name: str, kind: Any) -> None:
    """Raise InputError where no parquet file has columns of this type, such as an object without
    fields, at any depth."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(pa.schema([(name, kind)]).empty_table(), io.BytesIO())
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"The column {name!r} cannot be written as parquet ({first_line(error)}): "
            f"leave it out, make it a text, or write .csv."
        ) from error


def _joined(old: Any, new: Any) -> Any:
    import pyarrow as pa

    if old == new:
        return old
    both = [pa.schema([("", kind)]) for kind in (old, new)]
    return pa.unify_schemas(both, promote_options="permissive").field(0).type


def _column(name: str, values: Sequence[Any], kind: Any = None) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _mixed(name, error) from error


def _mixed(name: str, error: Exception) -> InputError:
    return InputError(
        f"The column {name!r} mixes values that no column of a parquet file can hold together "
        f"({first_line(error)}): make it one type, or write .csv."
    )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise InputError(
            f"The table holds half a character ({error.object[error.start]!r}), which no file of "
            f"text can: remove it."
        ) from error


def check_rows(kind: str, rows: Rows, first: int = 1) -> None:
    """Raise InputError now, naming row and column, for what writing these rows as text would raise
    it for later. `first`: the number of the first of them."""
    form = _cell if kind in DELIMITERS else _as_json
    for number, row in enumerate(rows, start=first):
        for value in _each(row, number, form).values():
            if isinstance(value, str) and not value.isascii():
                with _told():
                    value.encode()


def _each(row: Mapping[str, Any], number: int, form: Callable[[Any], Any]) -> Row:
    """The row with each value in its written form. Raises InputError for one that has none."""
    made = {}
    for name, value in row.items():
        try:
            made[name] = value if type(value) is str else form(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"Row {number} holds {value!r:.50} in the column {name!r}, which this kind of file "
                f"cannot hold: leave the column out, make it a text, or write .parquet."
            ) from error
    return made


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _as_json(value: Any) -> Any:
    """`value`, where it is read from JSON as it was; a number that is not finite has no JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    if value is not None and not isinstance(value, (str, int, float)):
        json.dumps(value, allow_nan=False)
    return value
