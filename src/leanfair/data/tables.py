"""Tables of records, from a file and to one: CSV, JSON lines or parquet, told by the file's name.

Values of a CSV stay texts, as they stand there. Files that end in .gz are (de)compressed.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanfair.errors import InputError
from leanfair.files import write_bytes

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
KINDS = "a .csv, .tsv, .jsonl or .parquet file"

Row = dict[str, Any]


def read_table(path: str | Path) -> list[Row]:
    """The rows of a table, each a field -> value. Raises InputError where there is no such file,
    where it is none, and, by its number (from 1, below the header), for a row that is broken."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no table {path}: give {KINDS}.")
    kind = kind_of(path)
    try:
        rows = _read_parquet(path) if kind == ".parquet" else list(_read_text(path, kind))
    except (OSError, UnicodeError, EOFError) as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error
    if not rows:
        raise InputError(f"The table {path} has no rows: give at least one.")
    return rows


def write_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows of the same fields, in one piece. In a CSV, what is neither text nor number is
    written as JSON, and None as nothing."""
    path = Path(path)
    kind = kind_of(path)
    if kind == ".parquet":
        content = _parquet_bytes(rows)
    elif kind in DELIMITERS:
        content = _csv_text(rows, DELIMITERS[kind]).encode()
    else:
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
        content = "".join(f"{line}\n" for line in lines).encode()
    return write_bytes(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def kind_of(path: str | Path) -> str:
    """The ending that tells how a table is written. Raises InputError where none does."""
    path = Path(path)
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind not in (*DELIMITERS, *JSON_LINES, ".parquet") or (path.suffix, kind) == (
        ".gz",
        ".parquet",
    ):
        raise InputError(f"{path} is not named like a table: use {KINDS}.")
    return kind


def check_columns(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str], what: str) -> None:
    """Raise InputError, naming those that there are, where `rows` lack one of the columns."""
    for column in wanted:
        if column not in rows[0]:
            raise InputError(
                f"{what} has no column {column!r}: it has {', '.join(map(str, rows[0]))}."
            )


def _read_text(path: Path, kind: str) -> Iterator[Row]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        if kind in DELIMITERS:
            yield from _read_csv(path, file, DELIMITERS[kind])
        else:
            yield from _read_lines(path, file)


def _read_csv(path: Path, file: Any, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = 0
    try:
        for values in reader:
            if header is None:
                header = _header(path, values)
                continue
            if not values:
                continue  # a blank line
            number += 1
            if len(values) != len(header):
                raise InputError(
                    f"Row {number} of {path} has {len(values)} fields, but the header has "
                    f"{len(header)}: put it right."
                )
            yield dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InputError(f"Row {number + 1} of {path} is broken: {error}.") from error


def _header(path: Path, names: list[str]) -> list[str]:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{path} has two columns {twice[0]!r}: give each its own name.")
    return names


def _read_lines(path: Path, file: Any) -> Iterator[Row]:
    for number, line in enumerate((line for line in file if line.strip()), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"Row {number} of {path} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InputError(f"Row {number} of {path} is no object of fields: {line.strip()[:50]}")
        yield row


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise InputError(f"The table {path} cannot be read: {error}.") from error
    return rows


def _parquet_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), sink)
    return sink.getvalue()


def _csv_text(rows: Sequence[Mapping[str, Any]], delimiter: str) -> str:
    sink = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sink, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return sink.getvalue()


def _cell(value: Any) -> Any:
    plain = value is None or isinstance(value, (str, int, float))
    return value if plain else json.dumps(value, ensure_ascii=False)
