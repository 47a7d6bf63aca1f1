"""Tables of records, from a file and to one: CSV, JSON lines, parquet or Excel, told by the name.

Values of a CSV stay texts, as they stand there. Files that end in .gz are (de)compressed.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
import json
import math
import numbers
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanfair.data.delimited import Note, decoded, delimited, read_delimited
from leanfair.data.spreadsheet import read_workbook
from leanfair.errors import InputError
from leanfair.files import write_bytes

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
WORKBOOKS = (".xlsx", ".xlsm")
KINDS = "a .csv, .tsv, .jsonl, .parquet or .xlsx file"
WRITTEN = "a .csv, .tsv, .jsonl or .parquet file"

Row = dict[str, Any]


def _warn(remark: str) -> None:
    warnings.warn(remark, stacklevel=3)


def read_table(path: str | Path, *, encoding: str | None = None, note: Note = _warn) -> list[Row]:
    """The rows of a table, each a field -> value.

    encoding: that of a text file which is neither UTF-8 nor begins with a byte order mark.
    note: called with one sentence for whatever was read otherwise than its name promises; by
        default it is a warning.

    Raises InputError where there is no such file, where it is none, and, by its number (from 1,
    below the header), for a row that is broken.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no table {path}: give {KINDS}.")
    kind = kind_of(path)
    try:
        if kind == ".parquet":
            rows = _read_parquet(path)
        elif kind in WORKBOOKS:
            rows = read_workbook(path, note)
        else:
            rows = list(_read_text(path, kind, encoding, note))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error
    if not rows:
        raise InputError(f"The table {path} has no rows: give at least one.")
    return rows


def write_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows in one piece; a row may lack fields of others. In a CSV, dates and decimals are
    written as texts, lists and records as JSON, and None as nothing.

    Raises InputError, naming row and column, for a value that this kind of file cannot hold.
    """
    path = Path(path)
    content = _content(kind_of(path, writing=True), rows)
    return write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def check_writable(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError now for what `write_table` would raise it for later."""
    _content(kind_of(path, writing=True), rows)


def kind_of(path: str | Path, *, writing: bool = False) -> str:
    """The ending that tells how a table is written. Raises InputError where none does, and, when
    `writing`, for a workbook."""
    path = Path(path)
    zipped = path.suffix == ".gz"
    kind = path.with_suffix("").suffix if zipped else path.suffix
    whole = (".parquet", *(() if writing else WORKBOOKS))
    if kind in (*DELIMITERS, *JSON_LINES) or (kind in whole and not zipped):
        return kind
    raise InputError(f"{path} is not named like a table: use {WRITTEN if writing else KINDS}.")


def check_columns(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str], what: str) -> None:
    """Raise InputError, naming those that there are, where `rows` lack one of the columns."""
    for column in wanted:
        if column not in rows[0]:
            raise InputError(
                f"{what} has no column {column!r}: it has {', '.join(map(str, rows[0]))}."
            )


# ---- reading ------------------------------------------------------------------------------------


def _read_text(path: Path, kind: str, encoding: str | None, note: Note) -> Iterator[Row]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif kind in DELIMITERS and content.startswith(b"PK\x03\x04"):
        raise InputError(
            f"{path} is an Excel workbook, not text: name it .xlsx, or save it as .csv."
        )
    text = decoded(content, path, encoding)
    if kind in DELIMITERS:
        return read_delimited(text, path, DELIMITERS[kind], note)
    return _read_lines(path, text)


def _read_lines(path: Path, text: str) -> Iterator[Row]:
    # Only line feeds end a line of JSON: other separators may stand inside of a string.
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"Row {number} of {path} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InputError(f"Row {number} of {path} is no object of fields: {line.strip()[:50]}")
        yield row


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        rows: list[Row] = table.to_pylist()
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error
    if len(set(table.column_names)) < len(table.column_names):
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise InputError(f"{path} has two columns {twice!r}: give each its own name.")
    return rows


# ---- writing ------------------------------------------------------------------------------------


def _content(kind: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        if kind == ".parquet":
            return _parquet_bytes(rows, names)
        if kind in DELIMITERS:
            plain = [_each(row, number, _cell) for number, row in enumerate(rows, start=1)]
            return delimited(plain, names, DELIMITERS[kind]).encode()
        lines = [
            json.dumps(_each(row, number, _as_json), ensure_ascii=False, allow_nan=False)
            for number, row in enumerate(rows, start=1)
        ]
        return "".join(f"{line}\n" for line in lines).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The table holds half a character ({error.object[error.start]!r}), which no file of "
            f"text can: remove it."
        ) from error


def _each(row: Mapping[str, Any], number: int, form: Any) -> Row:
    """The row with each value in its written form. Raises InputError for one that has none."""
    made = {}
    for name, value in row.items():
        try:
            made[name] = form(value)
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
    json.dumps(value, allow_nan=False)
    return value


def _parquet_bytes(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in names:
        _check_kinds(name, [row.get(name) for row in rows])
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise InputError(
                f"The column {name!r} mixes values that no column of a parquet file can hold "
                f"together ({str(error).splitlines()[0]}): make it one type, or write .csv."
            ) from error
    sink = io.BytesIO()
    try:
        pq.write_table(pa.table(columns), sink)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"The table cannot be written as parquet: {error}.") from error
    return sink.getvalue()


def _check_kinds(name: str, values: Sequence[Any]) -> None:
    """Raise InputError where a column mixes kinds of values: pyarrow would make one of the other,
    as a moment among dates loses its hours, and a number among times becomes one."""
    kinds: dict[tuple[str, ...], dict[str, None]] = {}
    for value in values:
        _add_kinds(value, (), kinds)
    for found in kinds.values():
        if len(found) > 1:
            raise InputError(
                f"The column {name!r} mixes {' and '.join(found)}, which no column of a parquet "
                f"file can hold together: make it one type, or write .csv."
            )


def _add_kinds(
    value: Any, place: tuple[str, ...], kinds: dict[tuple[str, ...], dict[str, None]]
) -> None:
    if value is None or type(value).__name__ == "NaTType":
        return
    kinds.setdefault(place, {})[_kind_of(value)] = None
    if isinstance(value, (list, tuple)):
        for one in value:
            _add_kinds(one, (*place, "[]"), kinds)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            _add_kinds(one, (*place, str(key)), kinds)


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
