"""Delimited text as spreadsheets write it: read right, with a word on it, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanfair.data.tables import read_table
from leanfair.errors import InputError

ROWS = [{"race": "Black", "city": "Köln"}, {"race": "White", "city": "Zürich, „Nord“"}]
TEXT = 'race,city\nBlack,Köln\nWhite,"Zürich, „Nord“"\n'
SEMICOLONS = "race;city\nBlack;Köln\nWhite;Zürich, „Nord“\n"


def read(content: bytes, place: Path, encoding: str | None = None) -> tuple[Any, list[str]]:
    """The rows of a file with that content, and the remarks on it."""
    remarks: list[str] = []
    (place / "t.csv").write_bytes(content)
    return read_table(place / "t.csv", encoding=encoding, note=remarks.append), remarks


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_that_says_what_it_is_is_read_without_a_word(
    encoding: str, line_end: str, tmp_path: Path
) -> None:
    assert read(TEXT.replace("\n", line_end).encode(encoding), tmp_path) == (ROWS, [])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1250", "mac_roman", "shift_jis"])
def test_any_other_encoding_is_refused_with_line_and_remedy_and_read_when_it_is_named(
    encoding: str, tmp_path: Path
) -> None:
    city = "東京" if encoding == "shift_jis" else "Köln"
    content = f"race,city\nBlack,Berlin\nWhite,{city}\n".encode(encoding)
    with pytest.raises(InputError, match=r"line 3 holds '.*--encoding cp1252"):
        read(content, tmp_path)
    assert read(content, tmp_path, encoding)[0][1]["city"] == city


def test_the_word_in_question_is_shown_as_cp1252_would_have_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'García'"):
        read("name,age\nJose García,3\n".encode("cp1252"), tmp_path)


@pytest.mark.parametrize(("wrong", "told"), [("utf-8", "not written in"), ("klingon", "no enc")])
def test_a_wrong_or_unknown_encoding_is_told(wrong: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        read(b"a\n\xff\n", tmp_path, wrong)


@pytest.mark.parametrize(
    ("separator", "named"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_other_separators_are_found_and_told(separator: str, named: str, tmp_path: Path) -> None:
    rows, remarks = read(SEMICOLONS.replace(";", separator).encode(), tmp_path)
    assert rows == ROWS
    assert len(remarks) == 1
    assert named in remarks[0]


def test_a_separator_that_the_first_line_states_is_taken_at_its_word(tmp_path: Path) -> None:
    assert read(f"sep=,\r\n{TEXT}".encode(), tmp_path) == (ROWS, [])
    assert read(f"sep=;\n{SEMICOLONS}".encode(), tmp_path)[0] == ROWS


@pytest.mark.parametrize(
    "text", ["text\nYes; he said; no\nMaybe\n", "a;b\n1\n2;3;4\n", "note\na|b\n"]
)
def test_a_single_column_stays_one_where_other_separators_do_not_fit(
    text: str, tmp_path: Path
) -> None:
    rows, remarks = read(text.encode(), tmp_path)
    assert [len(row) for row in rows] == [1] * len(rows)
    assert not remarks


def test_a_title_above_the_header_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="title: remove what stands above"):
        read(f"Q3,,\n{TEXT}".encode(), tmp_path)


def test_one_column_may_lack_a_name_as_an_index_does(tmp_path: Path) -> None:
    assert read(b",a\n0,x\n", tmp_path)[0] == [{"": "0", "a": "x"}]


def test_empty_rows_at_the_end_are_left_out_and_told_but_not_in_the_middle(tmp_path: Path) -> None:
    rows, remarks = read(b"a,b\n1,2\n,\n3,4\n,\n,\n", tmp_path)
    assert rows == [{"a": "1", "b": "2"}, {"a": "", "b": ""}, {"a": "3", "b": "4"}]
    assert len(remarks) == 1
    assert "ends in 2 rows" in remarks[0]


def test_a_cell_may_be_of_any_length(tmp_path: Path) -> None:
    rows, _ = read(f"a,b\n{'x' * 10**6},2\n".encode(), tmp_path)
    assert len(rows[0]["a"]) == 10**6


def test_a_workbook_that_is_named_csv_is_told_from_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Excel workbook"):
        read(b"PK\x03\x04rest", tmp_path)
