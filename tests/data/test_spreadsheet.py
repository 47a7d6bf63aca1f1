"""Excel workbooks, as openpyxl writes them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from leanfair.data.tables import read_table
from leanfair.errors import InputError

openpyxl = pytest.importorskip("openpyxl")


def saved(path: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_values_come_with_their_types_and_what_is_empty_around_them_does_not(
    tmp_path: Path,
) -> None:
    day = datetime.datetime(2020, 2, 29)
    path = saved(tmp_path / "t.xlsx", [["race", "age", "born", None], ["Black", 31, day, None],
                                       ["White", None, None, None], [None] * 4])  # fmt: skip
    assert read_table(path) == [
        {"race": "Black", "age": 31, "born": day},
        {"race": "White", "age": None, "born": None},
    ]


def test_the_first_sheet_with_data_is_read_and_others_are_told(tmp_path: Path) -> None:
    remarks: list[str] = []
    path = saved(tmp_path / "t.xlsx", [], [["a"], [1]], [["b"], [2]])
    assert read_table(path, note=remarks.append) == [{"a": 1}]
    assert len(remarks) == 1
    assert "2 sheets" in remarks[0]


@pytest.mark.parametrize(
    "rows", [[["Decisions of Q3"], ["race", "age"], [1, 2]], [["a", "a"], [1, 2]]]
)
def test_a_header_that_does_not_name_each_column_once_is_refused(
    rows: list[list[Any]], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="does not name each of its 2 columns once"):
        read_table(saved(tmp_path / "t.xlsx", rows))


def test_what_is_no_workbook_and_what_is_empty_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="no Excel workbook"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(InputError, match="no rows"):
        read_table(saved(tmp_path / "e.xlsx", []))
