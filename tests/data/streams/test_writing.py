"""Tables are written a few rows at a time, and are there once they are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanfair.data.streams.reading import table_batches
from leanfair.data.streams.writing import Types, check_rows, writing_table
from leanfair.data.tables import read_table, write_table
from leanfair.errors import InputError

ROWS: list[dict[str, Any]] = [{"n": i, "t": f"é\r{i}" if i % 5 else None} for i in range(23)]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize("size", [1, 6, 100])
def test_parts_make_the_file_that_the_whole_makes(name: str, size: int, tmp_path: Path) -> None:
    whole = read_table(write_table(tmp_path / f"whole.{name}", ROWS))
    types = Types()
    with writing_table(tmp_path / name, ["n", "t"], None) as table:
        table.write(ROWS[:0])
    for first in range(0, len(ROWS), size):
        types.add(ROWS[first : first + size])
    with writing_table(tmp_path / name, ["n", "t"], types.schema) as table:
        for first in range(0, len(ROWS), size):
            table.write(ROWS[first : first + size])
    assert read_table(tmp_path / name) == whole


def test_nothing_is_there_before_the_end_nor_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("before")

    def stopped() -> None:
        with writing_table(path, ["a"]) as table:
            table.write([{"a": 1}] * 5000)
            assert path.read_text() == "before"
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_value_that_cannot_be_written_is_named_with_its_row(name: str, tmp_path: Path) -> None:
    rows = [{"a": 1}, {"a": 2}, {"a": object()}]
    with pytest.raises(InputError, match="Row 3 holds"):
        write_table(tmp_path / name, rows)
    with pytest.raises(InputError, match="Row 9 holds"):
        check_rows(name[1:], [{"a": object()}], first=9)
    with pytest.raises(InputError, match="half a character"):
        check_rows(name[1:], [{"a": "\ud800"}])


def test_the_columns_of_a_parquet_file_stay_what_they_are(tmp_path: Path) -> None:
    columns = {
        "small": pa.array([1, None, 3], pa.int8()),
        "word": pa.array(["a", "b", "a"]).dictionary_encode(),
        "when": pa.array([1, 2, None], pa.timestamp("ns", "Europe/Berlin")),
        "deep": pa.array([{"é": [1]}, None, {"é": []}]),
    }
    before = pa.table(columns)
    pq.write_table(before, tmp_path / "a.parquet", row_group_size=2)
    schema = before.schema.append(pa.field("ours", pa.string()))
    with writing_table(tmp_path / "b.parquet", schema.names, schema) as table:
        for rows, arrow in table_batches(tmp_path / "a.parquet", rows=2):
            table.write([{**row, "ours": "x"} for row in rows], arrow)
    after = pq.read_table(tmp_path / "b.parquet")
    assert after.drop_columns("ours").equals(before)
    assert after.column("ours").to_pylist() == ["x"] * 3


def test_the_type_of_a_column_is_that_of_all_its_rows() -> None:
    types = Types(["a", "b", "gone"])
    types.add([{"a": None, "b": {"x": 1}}])
    types.add([{"a": 1, "b": {"y": "é"}}])
    types.add([{"a": 2.5}])
    found = {field.name: field.type for field in types.schema}
    assert found["a"] == pa.float64()
    assert {field.name for field in found["b"]} == {"x", "y"}
    assert found["gone"] == pa.null()
    with pytest.raises(InputError, match="column 'a' mixes numbers and texts"):
        types.add([{"a": "x"}])
    with pytest.raises(InputError, match="column 'big'"):
        types.add([{"big": 1 << 70}])
