"""A table decided about in parts has the very decisions of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanfair.data.streams import reading
from leanfair.data.tables import read_table, write_table
from leanfair.errors import InputError
from leanfair.fairness.deciding.flow import decide_table, decided
from leanfair.fairness.deciding.survey import Source, survey_of
from leanfair.fairness.deciding.tally import Tally
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.mitigate import mitigate
from tests.support.judges import RACE, biased, judge, people

PROMPT = "A {race} {job} with a score of {score}. Hire?"


def model(calibration: Any = None, by: float = 0.3) -> Decider:
    made = judge(biased("black", by))
    made.calibration = calibration
    return mitigate(made, RACE)


def run(source: Path, out: Path, decider: Decider, slots: Any = ("race", "job", "score")) -> Tally:
    given = Source(source)
    survey = survey_of(given, slots, decider, out, lambda remark: None)
    return decide_table(given, out, decider, survey, slots)


@pytest.fixture(params=[1, 7, 1024])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tables that come in parts of so many rows."""
    whole: Callable[..., Iterator[Any]] = reading.table_batches

    def some(*given: Any, **named: Any) -> Iterator[Any]:
        return whole(*given, **named, rows=request.param)

    monkeypatch.setattr("leanfair.fairness.deciding.survey.table_batches", some)
    return request.param


@pytest.mark.parametrize("calibration", [None, "batch", "contextual"])
def test_decisions_in_parts_are_those_of_the_whole_to_the_last_bit(
    calibration: Any, parts: int, tmp_path: Path
) -> None:
    rows = [*people(20), {"race": "", "job": None, "score": None}, *people(9, seed=1)]
    table = write_table(tmp_path / "in.jsonl", rows)
    decider = model(calibration)
    tally = run(table, tmp_path / "out.jsonl", decider)
    items = [row for row in read_table(table) if row["race"]]
    twin = model(calibration)
    expected = (twin if twin.fitted else twin.fit(items)).decide(items)
    found = read_table(tmp_path / "out.jsonl")
    assert [row["status"] for row in found][20] == "empty"
    del found[20]
    assert [(d.label, d.status, d.flipped, d.note) for d in expected] == [
        (row["decision"], row["status"], row["flipped"], row["note"]) for row in found
    ]
    assert [d.probabilities for d in expected] == [
        {"yes": row["p_yes"], "no": row["p_no"]} for row in found
    ]
    assert (tally.rows, tally.asked) == (30, decider.forward_passes)
    assert tally.asked <= 2 * 29 + 3


def test_a_table_with_strange_rows_in_a_part_of_their_own_is_decided(
    parts: int, tmp_path: Path
) -> None:
    rows = [*people(6), *({**row, "race": "Martian"} for row in people(6)), *people(2)]
    run(write_table(tmp_path / "in.csv", rows), tmp_path / "out.csv", model())
    notes = [bool(row["note"]) for row in read_table(tmp_path / "out.csv")]
    assert notes == [False] * 6 + [True] * 6 + [False] * 2


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("into", ["csv", "jsonl", "parquet"])
def test_every_kind_of_table_goes_into_every_other(ending: str, into: str, tmp_path: Path) -> None:
    rows = [{**row, "größe": None if i % 2 else i} for i, row in enumerate(people(10))]
    source = write_table(tmp_path / f"in.{ending}", rows)
    run(source, tmp_path / f"out.{into}", model())
    before, after = read_table(source), read_table(tmp_path / f"out.{into}")
    kept = [{name: row[name] for name in before[0]} for row in after]
    as_text = ending == "csv" or into == "csv"
    assert [*map(_texts, kept)] == [*map(_texts, before)] if as_text else kept == before
    assert {row["decision"] for row in after} <= {"yes", "no"}


def _texts(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def test_the_columns_of_a_parquet_file_stay_to_the_type(tmp_path: Path) -> None:
    table = pa.table({
        "race": pa.array(["black", "white"]).dictionary_encode(), "job": ["clerk"] * 2,
        "score": pa.array([0.25, None], pa.float32()), "decision": pa.array([1, 2], pa.int16()),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=1)
    run(tmp_path / "in.parquet", tmp_path / "out.parquet", model())
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.select(table.column_names).equals(table)
    assert set(found.column("leanfair_decision").to_pylist()) <= {"yes", "no"}


def test_a_table_that_changes_meanwhile_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    source = Source(write_table(tmp_path / "in.csv", people(4)))
    decider = model()
    survey = survey_of(source, ["race"], decider, tmp_path / "out.csv", lambda remark: None)
    write_table(tmp_path / "in.csv", people(5))
    with pytest.raises(InputError, match="changed while it was read: it had 4 rows and now has 5"):
        decide_table(source, tmp_path / "out.csv", decider, survey, ["race"])
    assert not (tmp_path / "out.csv").exists()


def test_rows_come_with_their_decisions_as_they_are_made(parts: int, tmp_path: Path) -> None:
    source = Source(write_table(tmp_path / "in.csv", people(20)))
    decider = model()
    survey = survey_of(source, ["race"], decider, "out.csv", lambda remark: None)
    coming = decided(source.batches(), decider, survey, ["race", "job", "score"])
    _, rows, decisions = next(coming)
    assert len(rows) == len(decisions) == min(parts, 20)
    assert decider.forward_passes <= 2 * len(rows)
