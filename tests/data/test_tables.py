"""Tables: what is written is read again, and what is broken is named by its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.data.tables import check_columns, read_table, write_table
from leanfair.errors import InputError

NAMES = ["t.csv", "t.tsv", "t.jsonl", "t.ndjson", "t.parquet", "t.csv.gz", "t.jsonl.gz"]
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


@pytest.mark.parametrize("name", NAMES)
@given(rows=st.lists(st.fixed_dictionaries({"a": CELLS, "b c": CELLS}), min_size=1, max_size=4))
def test_what_is_written_is_read_again(
    name: str, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tables") / name
    assert read_table(write_table(path, rows)) == rows


def test_numbers_stay_numbers_where_the_file_can_tell() -> None:
    rows = [{"a": 1, "b": 0.5, "c": None, "d": "x"}]
    for name in ("t.jsonl", "t.parquet"):
        path = Path("/tmp") / f"leanfair-{name}"
        assert read_table(write_table(path, rows)) == rows
        path.unlink()


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("t.csv", "a,b\n1,2\n3\n", "Row 2 .* has 1 fields, but the header has 2"),
        ("t.csv", "a,b\n1,2\n3,4,5\n", "Row 2 .* has 3 fields"),
        ("t.csv", 'a,b\n1,2\n"3,4\n', "Row 2 .* broken"),
        ("t.csv", "a,a\n1,2\n", "two columns 'a'"),
        ("t.csv", "a,b\n", "no rows"),
        ("t.csv", "", "no rows"),
        ("t.jsonl", '{"a": 1}\n{"a": \n', "Row 2 .* not JSON"),
        ("t.jsonl", '{"a": 1}\n[1]\n', "Row 2 .* no object"),
        ("t.parquet", "nonsense", "cannot be read"),
        ("t.csv.gz", "nonsense", "cannot be read"),
        ("t.txt", "a", "not named like a table"),
    ],
)
def test_what_is_broken_is_named(name: str, content: str, named: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=named):
        read_table(tmp_path / name)


def test_a_file_that_is_not_there_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff\xfe,2\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "t.csv")


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no column 'race': it has age, sex"):
        check_columns([{"age": 1, "sex": 2}], ["age", "race"], "t.csv")


def test_lists_are_written_as_json_in_a_csv(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", [{"a": [1, "ü"], "b": None}])
    assert (tmp_path / "t.csv").read_text() == 'a,b\n"[1, ""ü""]",\n'
