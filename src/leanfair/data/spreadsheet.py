"""The first sheet of an Excel workbook that holds anything, as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanfair.data.delimited import Note
from leanfair.errors import InputError, MissingDependencyError


def read_workbook(path: Path, note: Note) -> list[dict[str, Any]]:
    """The rows of a workbook: texts, numbers, dates and None, formulas by the values that they had
    when it was saved. Raises InputError where it is broken or has no header, and
    MissingDependencyError without openpyxl."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} is an Excel workbook: pip install 'leanfair[excel]' to read it, or save it as "
            f".csv ('CSV UTF-8')."
        ) from error
    from zipfile import BadZipFile

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no Excel workbook that can be read ({error}): save it as .csv."
        ) from error
    try:
        sheets = [(sheet.title, _filled(sheet.iter_rows(values_only=True))) for sheet in book]
    finally:
        book.close()
    filled = [(title, rows) for title, rows in sheets if rows]
    if not filled:
        return []
    title, (header, *rows) = filled[0]
    if len(filled) > 1:
        note(f"{path} has {len(filled)} sheets with data; the first, {title!r}, is read.")
    names = [_name(value) for value in header]
    if "" in names or len(set(names)) < len(names):
        raise InputError(
            f"The first row of the sheet {title!r} of {path} does not name each of its "
            f"{len(names)} columns once: remove what stands above the column names, or name them."
        )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _filled(rows: Any) -> list[tuple[Any, ...]]:
    """The rows down to the last that holds anything, without columns on the right that never do."""
    found = [tuple(row) for row in rows]
    while found and all(value is None for value in found[-1]):
        found.pop()
    widths = [
        max((i + 1 for i, value in enumerate(row) if value is not None), default=0) for row in found
    ]
    width = max(widths, default=0)
    return [(*row, *[None] * width)[:width] for row in found]


def _name(value: Any) -> str:
    return "" if value is None else str(value)
