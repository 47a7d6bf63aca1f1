"""Tables: what is written is read again, and what is broken is named by its row."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.data.tables import check_columns, check_writable, read_table, write_table
from leanfair.errors import InputError

INF = float("inf")
NAMES = ["t.csv", "t.tsv", "t.jsonl", "t.ndjson", "t.parquet", "t.csv.gz", "t.jsonl.gz"]
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@pytest.mark.parametrize("name", NAMES)
@given(rows=st.lists(st.fixed_dictionaries({"a": CELLS, "b c": CELLS}), min_size=1, max_size=4))
def test_what_is_written_is_read_again(
    name: str, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All but rows of nothing at the end of a CSV, which a spreadsheet leaves behind."""
    path = tmp_path_factory.mktemp("tables") / name
    rows = [*rows, {"a": "end", "b c": ""}]
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
    with pytest.raises(InputError, match=r"not UTF-8 \(line 2 .*--encoding"):
        read_table(tmp_path / "t.csv")


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no column 'race': it has age, sex"):
        check_columns([{"age": 1, "sex": 2}], ["age", "race"], "t.csv")


def test_lists_are_written_as_json_in_a_csv(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", [{"a": [1, "ü"], "b": None}])
    assert (tmp_path / "t.csv").read_text() == 'a,b\n"[1, ""ü""]",\n'


# ---- what a file can hold ---------------------------------------------------------------------

PLAIN = st.one_of(CELLS, st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.booleans())
ODD = st.one_of(
    PLAIN, st.none(), st.dates(), st.times(), st.datetimes(), st.timedeltas(), st.decimals(),
    st.binary(max_size=4), st.lists(st.integers(), max_size=2), st.just(float("nan")),
    st.dictionaries(CELLS, st.integers(), max_size=2), st.integers(2**64, 2**70),
)  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@given(
    rows=st.lists(st.fixed_dictionaries({"a": ODD}, optional={"b": ODD}), min_size=1, max_size=3)
)
def test_every_value_is_written_and_read_or_refused_in_a_sentence_before_anything_is_written(
    name: str, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tables") / name
    try:
        check_writable(path, rows)
    except InputError:
        with pytest.raises(InputError, match=r"\.$"):
            write_table(path, rows)
        assert not path.exists()
        return
    write_table(path, [*rows, {"a": "end"}] if name == "t.csv" else rows)
    found = read_table(path, note=lambda remark: None)
    assert found
    if name == "t.parquet":
        for row, back in zip(rows, found, strict=True):
            assert all(same(value, back[key]) for key, value in row.items())


@pytest.mark.parametrize("value", [{}, [{}], {"x": {}}, {"x": [{}]}], ids=str)
def test_an_object_without_fields_is_refused_by_parquet_before_anything_is_written(
    value: Any, tmp_path: Path
) -> None:
    for told in (check_writable, write_table):
        with pytest.raises(InputError, match=r"column 'a' cannot be written as parquet"):
            told(tmp_path / "t.parquet", [{"a": value}])
    assert not list(tmp_path.iterdir())


DAY, HOUR = datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1, 5)
MIXED = [
    (DAY, HOUR), (HOUR, 1), (datetime.time(5), 1.5), (datetime.timedelta(1), 2), ("a", b"b"),
    (1.5, True), (HOUR, HOUR.replace(tzinfo=datetime.timezone.utc)),
    ([DAY], [HOUR]), ({"x": HOUR}, {"x": 1}),
]  # fmt: skip


@pytest.mark.parametrize("pair", MIXED, ids=str)
def test_a_parquet_column_takes_no_value_for_one_of_another_kind(
    pair: tuple[Any, Any], tmp_path: Path
) -> None:
    for first, second in (pair, pair[::-1]):
        with pytest.raises(InputError, match=r"The column 'a' mixes .+ and .+: make it one type"):
            write_table(tmp_path / "t.parquet", [{"a": first}, {"a": None}, {"a": second}])
    assert not list(tmp_path.iterdir())


def same(value: Any, back: Any) -> bool:
    """Whether they are equal; NaN is NaN, and a record of parquet has the fields of all."""
    if isinstance(value, dict):
        return {k: v for k, v in back.items() if v is not None} == value
    return bool(value == back or (value != value and back != back))


@given(
    rows=st.lists(
        st.fixed_dictionaries({"a": PLAIN, "b": PLAIN.filter(lambda x: x not in (INF, -INF))}),
        min_size=1,
        max_size=4,
    )
)
def test_json_lines_give_back_values_of_every_type(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tables") / "t.jsonl"
    finite = [{k: v for k, v in row.items() if v not in (INF, -INF)} or {"b": 1} for row in rows]
    assert read_table(write_table(path, finite)) == finite


def test_no_field_of_a_later_row_is_lost(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"a": 2, "b": 3}]
    for name in ("t.parquet", "t.csv"):
        assert "b" in read_table(write_table(tmp_path / name, rows))[0]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"x", "t.csv"), (b"x", "t.jsonl"), (INF, "t.jsonl"), ({"a": {1}}, "t.csv"),
        ({"a": float("nan")}, "t.jsonl"), (object(), "t.csv"),
    ],
)  # fmt: skip
def test_a_value_that_a_file_cannot_hold_is_named_by_row_and_column(
    value: Any, name: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"Row 2 holds .* in the column 'age'"):
        write_table(tmp_path / name, [{"age": "1"}, {"age": value}])


def test_a_parquet_column_of_mixed_types_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'age' mixes"):
        write_table(tmp_path / "t.parquet", [{"age": "old"}, {"age": 3}])


def test_a_workbook_is_read_but_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not named like a table"):
        write_table(tmp_path / "t.xlsx", [{"a": 1}])
