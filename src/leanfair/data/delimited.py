"""Delimited text, as spreadsheets write it: its encoding, its separator, its header and its rows.

What is not plain is either certain, and then said through `note`, or refused with the remedy.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from gzip import GzipFile
from itertools import chain
from pathlib import Path
from typing import IO, Any, TextIO

from leanfair.errors import InputError

Note = Callable[[str], None]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte order marks, and the encodings that they stand for."""


def decoded(content: bytes, path: Path, encoding: str | None = None) -> str:
    """The text in `content`: UTF-8, what a byte order mark says, or the `encoding` that is named.

    Raises InputError for any other: which one it is can only be guessed, and a wrong guess changes
    the very names and words that decisions are made on.
    """
    known = encoding or next((e for mark, e in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(known)
    except LookupError:
        raise InputError(f"There is no encoding {known!r}: name one such as cp1252.") from None
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise InputError(f"{path} is not written in {encoding}: name its encoding.") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path} is not UTF-8 (line {line} holds {_as_windows_writes(content, error.start)} if "
            f"its encoding is cp1252, as many spreadsheets have it): save it as 'CSV UTF-8', or "
            f"name its encoding (--encoding cp1252)."
        ) from None


@contextmanager
def reading_text(
    file: IO[bytes] | GzipFile, path: Path, encoding: str | None = None, newline: str = ""
) -> Iterator[TextIO]:
    """The text of an open `file` from its beginning, read as it is asked for. `newline`: what ends
    a line; "" for every line break, which stays what it is. Raises InputError as `decoded` does."""
    start = file.read(4)
    file.seek(0)
    known = encoding or next((e for mark, e in _MARKS.items() if start.startswith(mark)), "utf-8")
    try:
        text = io.TextIOWrapper(file, encoding=known, newline=newline)
    except LookupError:
        raise InputError(f"There is no encoding {known!r}: name one such as cp1252.") from None
    try:
        yield text
    except UnicodeDecodeError:
        file.seek(0)
        decoded(file.read(), path, encoding)  # which names the line and the remedy
        raise


def _as_windows_writes(content: bytes, place: int) -> str:
    """The word at byte `place`, read as cp1252."""
    start = max(content.rfind(sep, 0, place) for sep in (b" ", b",", b";", b"\t", b"\n", b"\r"))
    word = content[start + 1 : place + 20].decode("cp1252", errors="replace")
    return repr("".join(c if c.isalnum() or c in "'-" else " " for c in word).split(" ")[0])


def read_delimited(text: TextIO, path: Path, usual: str, note: Note) -> Iterator[dict[str, Any]]:
    """The rows of `text`, every value as it stands, as they are asked for. `usual`: the separator
    that the file's ending promises. Raises InputError, with the number of the row from 1 below the
    header, for a broken one."""
    head, stated = _without_statement(text.read(_HEAD) + text.readline())
    separator = stated or _separator(head, usual)
    if separator != usual and stated is None:
        note(f"{path} separates its columns by {SEPARATORS[separator]}, and is read so.")
    lines = chain(io.StringIO(head, newline=""), text)
    header: list[str] | None = None
    number = waiting = 0  # rows of nothing but empty cells: no rows where they come last
    for values in _parsed(lines, path, separator):
        if header is None:
            header = _checked_header(values, path)
            continue
        if not values:
            continue  # a blank line
        number += 1
        if len(values) != len(header):
            raise InputError(
                f"Row {number} of {path} has {len(values)} fields, but the header has "
                f"{len(header)}: put it right."
            )
        if not any(values):
            waiting += 1
            continue
        yield from (dict.fromkeys(header, "") for _ in range(waiting))
        waiting = 0
        yield dict(zip(header, values, strict=True))
    if waiting:
        note(f"{path} ends in {waiting} rows of empty cells, which are left out.")


_HEAD = 1 << 20
"""Characters by whose rows the separator is told."""


def _without_statement(text: str) -> tuple[str, str | None]:
    """The text without a first line `sep=;`, which tells a spreadsheet the separator, and that."""
    first, _, rest = text.partition("\n")
    stated = first.rstrip("\r")
    if stated[:4].lower() == "sep=" and stated[4:] in SEPARATORS:
        return rest, stated[4:]
    return text, None


def _separator(text: str, usual: str) -> str:
    """What separates the columns: the `usual` separator if the header has it; else the one that it
    has instead, if all of the first rows agree on how many columns that makes."""
    if len(_first_rows(text, usual, 1)[0]) > 1:
        return usual
    for other in SEPARATORS:
        if other != usual:
            widths = {len(row) for row in _first_rows(text, other, 20) if row}
            if len(widths) == 1 and widths.pop() > 1:
                return other
    return usual


def _first_rows(text: str, separator: str, count: int) -> list[list[str]]:
    """The first `count` rows, as far as they can be read; one empty row where there is none."""
    rows: list[list[str]] = []
    try:
        with _cells_of_any_length():
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
                rows.append(row)
                if len(rows) == count:
                    break
    except csv.Error:
        pass  # it is told, with its row, when the whole is read
    return rows or [[]]


def _parsed(lines: Iterable[str], path: Path, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = -1  # the header is no row
    while True:
        number += 1
        try:
            with _cells_of_any_length():
                values = next(reader, None)
        except csv.Error as error:
            raise InputError(f"Row {number} of {path} is broken: {error}.") from error
        if values is None:
            return
        number -= not values
        yield values


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    """While this lasts, the csv module takes cells above its 128 KiB; its limit is one of the whole
    process."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _checked_header(names: list[str], path: Path) -> list[str]:
    if sum(not name for name in names) > 1:
        raise InputError(
            f"The first line of {path} names only {len([n for n in names if n])} of its "
            f"{len(names)} columns, so it seems to be a title: remove what stands above the line "
            f"with the column names, or name each column."
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{path} has two columns {twice[0]!r}: give each its own name.")
    return names


def write_rows(sink: TextIO, rows: Iterable[Sequence[Any]], separator: str) -> None:
    """Write `rows` as delimited text; every value is a text, a number or None.

    Read again, texts are what they were, line breaks and lone carriage returns included.
    """
    plain, quoting = (
        csv.writer(sink, delimiter=separator, lineterminator="\n", quoting=way)
        for way in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    for row in rows:
        # The csv module quotes line feeds alone, but reads a lone carriage return as a row's end.
        lone = any("\r" in value for value in row if isinstance(value, str))
        (quoting if lone else plain).writerow(row)
