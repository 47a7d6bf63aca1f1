"""A table is looked through before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanfair.data.tables import write_table
from leanfair.errors import InputError
from leanfair.fairness.deciding.survey import Source, Survey, evened, items_of, survey_of
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.mitigate import mitigate
from tests.support.judges import RACE, judge


def decider(prompt: str) -> Decider:
    made = judge(lambda texts: [[0.9, 0.1]] * len(texts))
    made.prompt = prompt
    return mitigate(made, RACE)


def survey(tmp_path: Path, rows: list[dict[str, Any]], prompt: str = "{race}?") -> Survey:
    path = write_table(tmp_path / "in.jsonl", rows)
    judged = decider(prompt)
    return survey_of(Source(path), judged.fields or (), judged, "out.csv", lambda remark: None)


def test_columns_and_empty_rows_are_those_of_the_whole_table(tmp_path: Path) -> None:
    rows = [{"race": "black"}, {"race": " ", "age": 3}, {"race": "white", "é": 1}, {"age": 1}]
    found = survey(tmp_path, rows)
    assert (found.rows, found.names, [*found.empty]) == (4, ("race", "age", "é"), [2, 4])
    assert found.told.startswith("Rows 2 and 4 of 4: empty")
    assert survey(tmp_path, rows[:1]).told == ""


@pytest.mark.parametrize(
    ("rows", "prompt", "told"),
    [
        ([{"race": None}, {"race": ""}], "{race}?", "Every row of the table is empty"),
        ([{"age": 1}, {"age": 2}], "{race}?", "Rows 1 and 2 of the table: the field 'race'"),
        ([{"text": "a"}, {"text": 3}], "{text}", "Row 2 of the table has no text"),
        ([{"race": "Martian"}] * 3, "{race}?", "Row 1 of the table: the field 'race'"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(
    rows: list[dict[str, Any]], prompt: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        survey(tmp_path, rows, prompt)


def test_one_row_of_a_known_value_is_enough_wherever_it_stands(tmp_path: Path) -> None:
    rows = [{"race": "Martian"}] * 1030 + [{"race": "black"}]
    assert survey(tmp_path, rows).rows == 1031


def test_a_table_of_no_rows_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"race": pa.array([], pa.string())}), path)
    with pytest.raises(InputError, match="has no rows"):
        survey_of(Source(path), ["race"], decider("{race}?"), "out.parquet", lambda remark: None)


def test_what_the_output_cannot_hold_is_told_before(tmp_path: Path) -> None:
    path = write_table(tmp_path / "in.jsonl", [{"race": "black", "a": 1}, {"race": "x", "a": "b"}])
    with pytest.raises(InputError, match="column 'a' mixes numbers and texts"):
        survey_of(Source(path), ["race"], decider("{race}?"), "out.parquet", lambda remark: None)
    found = survey_of(Source(path), ["race"], decider("{race}?"), "out.csv", lambda remark: None)
    assert found.schema is None


def test_rows_get_all_fields_and_empty_ones_are_passed_over() -> None:
    rows = evened([{"a": 1, "b": 2}, {"b": 3}, {"a": ""}], ["a", "b"])
    assert rows == [{"a": 1, "b": 2}, {"a": None, "b": 3}, {"a": "", "b": None}]
    assert items_of(rows, ["a"], 11) == ([rows[0]], [11])
