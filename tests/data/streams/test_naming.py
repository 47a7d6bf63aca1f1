"""The name of a file tells the kind of its table."""

from __future__ import annotations

import pytest

from leanfair.data.streams.naming import kind_of
from leanfair.errors import InputError


@pytest.mark.parametrize(
    ("name", "kind"),
    [("é.csv", ".csv"), ("a.b.tsv.gz", ".tsv"), ("a.jsonl", ".jsonl"), ("a.parquet", ".parquet")],
)
def test_a_kind_is_told_by_the_ending(name: str, kind: str) -> None:
    assert kind_of(name) == kind_of(name, writing=True) == kind


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz", ".csv", "a.gz"])
def test_what_is_no_table_is_told(name: str) -> None:
    with pytest.raises(InputError, match="not named like a table"):
        kind_of(name)


def test_a_workbook_is_read_and_not_written() -> None:
    assert kind_of("a.xlsx") == ".xlsx"
    with pytest.raises(InputError, match="not named like a table"):
        kind_of("a.xlsx", writing=True)
