"""Tables come a few rows at a time, and together are what they are as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanfair.data.delimited import reading_text
from leanfair.data.streams.reading import first_rows, schema_of, table_batches
from leanfair.data.tables import read_table, write_table
from leanfair.errors import InputError

ROWS = [{"n": str(i), "wörd": f"line\r\n{i}" if i % 3 else "", "c": "a,b"} for i in range(25)]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.jsonl", "t.jsonl.gz", "t.parquet"])
@pytest.mark.parametrize("size", [1, 7, 25, 1000])
def test_the_parts_of_a_table_are_the_table(name: str, size: int, tmp_path: Path) -> None:
    path = write_table(tmp_path / name, ROWS)
    parts = [batch.rows for batch in table_batches(path, rows=size)]
    assert [row for part in parts for row in part] == read_table(path) == ROWS
    assert {len(part) for part in parts[:-1]} <= {size}


def test_a_parquet_file_of_several_row_groups_comes_with_its_columns(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array(range(20), pa.int16()), "t": ["é"] * 20})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=6)
    found = list(table_batches(tmp_path / "t.parquet", rows=8))
    assert pa.Table.from_batches([batch.arrow for batch in found]).equals(table)
    assert schema_of(tmp_path / "t.parquet").equals(table.schema)
    assert first_rows(tmp_path / "t.parquet") == [{"n": 0, "t": "é"}]


def test_an_empty_table_has_no_parts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,b\n")
    for name in ("t.parquet", "t.csv"):
        assert list(table_batches(tmp_path / name)) == []
        assert first_rows(tmp_path / name) == []
    assert schema_of(tmp_path / "t.csv") is None


def test_a_broken_row_is_told_once_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n' * 10 + "{\n")
    parts = table_batches(tmp_path / "t.jsonl", rows=5)
    assert len(next(parts).rows) == len(next(parts).rows) == 5
    with pytest.raises(InputError, match="Row 11 of"):
        next(parts)


def test_bytes_that_are_no_text_are_told_with_their_line_however_far_down(tmp_path: Path) -> None:
    lines = [f"{i},{'Berlin' * 40}\n".encode() for i in range(5_000)]
    (tmp_path / "t.csv").write_bytes(b"n,city\n" + b"".join(lines) + "1,Köln\n".encode("cp1252"))
    with pytest.raises(InputError, match="line 5002 holds 'K"):
        read_table(tmp_path / "t.csv")


def test_a_file_is_read_no_further_than_it_is_asked_for(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"a\n"
        yield b"1\n" * (1 << 20)
        yield b"\xff"  # never reached

    path = tmp_path / "t.csv"
    path.write_bytes(b"".join(lines()))
    assert first_rows(path) == [{"a": "1"}]


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", gzip.compress(b"a\n1\n", mtime=0)[:-9]])
def test_a_zipped_table_that_is_cut_short_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.csv\.gz"):
        read_table(tmp_path / "t.csv.gz")


def test_rows_of_empty_cells_count_only_before_others(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n,\n1,2\n,\n,\n")
    remarks: list[Any] = []
    found = read_table(tmp_path / "t.csv", note=remarks.append)
    assert found == [{"a": "", "b": ""}, {"a": "1", "b": "2"}]
    assert "2 rows of empty cells" in remarks[0]


def test_text_is_read_with_the_line_breaks_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes("a\r\nb\rc\n".encode("utf-16"))
    with path.open("rb") as file, reading_text(file, path, newline="\n") as text:
        assert list(text) == ["a\r\n", "b\rc\n"]
