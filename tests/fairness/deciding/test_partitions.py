"""What a worker does with a partition: decided as the plain path decides, resumed, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leanfair.data.tables import read_table, write_table
from leanfair.errors import InputError
from leanfair.fairness.deciding.flow import decide_table
from leanfair.fairness.deciding.partitions import (
    KEY,
    Partition,
    decide_partition,
    done,
    partitions_of,
)
from leanfair.fairness.deciding.survey import Source, survey_of
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import mitigate
from tests.support.judges import OPTIONS, PROMPT, RACE, biased, people

Model = Callable[[list[str]], Any]


MODEL = biased("black", 0.3)


def decider(model: Model = MODEL, name: str = "toy") -> Decider:
    return mitigate(Judge(Function(model, name=name, batch_size=4), PROMPT, OPTIONS), RACE)


def parts(place: Path, fair: Decider, *tables: list[dict[str, Any]]) -> list[Partition]:
    for number, rows in enumerate(tables):
        write_table(place / "in" / f"té{number}.parquet", rows)
    out = str(place / "out")
    sources = sorted(map(str, (place / "in").iterdir()))
    return partitions_of(sources, out, fair, f"{out}/_answers", None)


def test_partitions_have_the_rows_of_the_plain_path(tmp_path: Path) -> None:
    rows, fair = people(60), decider()
    given = parts(tmp_path, fair, rows[:25], rows[25:26], rows[26:])
    outcomes = [decide_partition(one, fair) for one in given]
    assert [one.error for one in outcomes] == [""] * 3
    assert sum(one.tally.rows for one in outcomes) == 60
    found = [row for one in given for row in read_table(one.out)]
    source = Source(write_table(tmp_path / "whole.parquet", rows))
    slots = fair.fields or ()
    survey = survey_of(source, slots, fair, tmp_path / "plain.parquet", lambda remark: None)
    decide_table(source, tmp_path / "plain.parquet", decider(), survey, slots)
    assert found == read_table(tmp_path / "plain.parquet")
    assert [Path(one.out).name for one in given] == ["té0.parquet", "té1.parquet", "té2.parquet"]
    assert not any((tmp_path / "out" / "_answers").rglob("*.jsonl*"))


def test_what_is_there_is_passed_over_and_counted(tmp_path: Path) -> None:
    fair = decider()
    [one] = parts(tmp_path, fair, people(9))
    first = decide_partition(one, fair)
    again = decide_partition(one, decider(lambda texts: 1 / 0))
    assert (again.again, again.error) == (True, "")
    assert (again.tally.labels, again.tally.rows) == (first.tally.labels, 9)
    assert (first.tally.asked > 0, again.tally.asked) == (True, 0)


def test_a_partition_that_was_stopped_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> list[list[float]]:
        if len(asked) > 8 and not again:
            raise KeyboardInterrupt
        asked.extend(texts)
        return [[0.5, 0.5]] * len(texts)

    again = False
    [one] = parts(tmp_path, decider(), people(20))
    with pytest.raises(KeyboardInterrupt):
        decide_partition(one, decider(model))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["_answers"]
    again = True
    assert decide_partition(one, decider(model)).error == ""
    assert len(asked) == len(set(asked))


def test_a_bad_partition_is_told_and_costs_no_other(tmp_path: Path) -> None:
    fair, rows = decider(), people(4)
    given = parts(
        tmp_path, fair, rows, [{"race": "black", "job": "clerk"}], rows, [{**rows[0], "race": ""}],
        [{**row, "race": "Martian"} for row in rows],
    )  # fmt: skip
    Path(given[2].source).write_bytes(b"PAR1 but not really")
    errors = [decide_partition(one, fair).error for one in given]
    assert [bool(error) for error in errors] == [False, True, True, False, False]
    assert "the field 'score', which the prompt asks for, is not there" in errors[1]
    assert "cannot be read" in errors[2]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == [
        "té0.parquet", "té3.parquet", "té4.parquet"
    ]  # fmt: skip


def test_an_empty_partition_and_one_of_empty_rows_stay_what_they_are(tmp_path: Path) -> None:
    fair = decider()
    nothing = dict.fromkeys(("race", "job", "score"))
    [empty] = parts(tmp_path, fair, [nothing, nothing])
    assert decide_partition(empty, fair).tally.statuses == {"empty": 2}
    schema = pq.read_schema(empty.source)
    pq.write_table(schema.empty_table(), tmp_path / "in" / "none.parquet")
    none = partitions_of([str(tmp_path / "in/none.parquet")], str(tmp_path / "o"), fair, None, None)
    assert decide_partition(none[0], fair).error == ""
    found = pq.read_table(none[0].out)
    assert (found.num_rows, "decision" in found.column_names) == (0, True)


def test_our_columns_are_called_alike_in_all_partitions(tmp_path: Path) -> None:
    fair, rows = decider(), people(3)
    given = parts(tmp_path, fair, rows, [{**row, "note": "mine"} for row in rows])
    for one in given:
        assert decide_partition(one, fair).error == ""
    assert all("leanfair_note" in pq.read_schema(one.out).names for one in given)
    assert "note" not in pq.read_schema(given[0].out).names


def test_types_may_differ_from_partition_to_partition(tmp_path: Path) -> None:
    fair, rows = decider(), people(4)
    given = parts(tmp_path, fair, rows, [{**row, "score": str(row["score"])} for row in rows])
    for one in given:
        assert decide_partition(one, fair).error == ""
    kinds = [pq.read_schema(one.out).field("score").type for one in given]
    assert kinds == [pa.float64(), pa.string()]


@pytest.mark.parametrize("other", ["judge", "size", "foreign", "no table"])
def test_an_output_of_something_else_is_never_replaced(other: str, tmp_path: Path) -> None:
    fair = decider()
    [one] = parts(tmp_path, fair, people(4))
    decide_partition(one, fair)
    out = Path(one.out)
    if other == "judge":
        [one] = partitions_of([one.source], f"{tmp_path}/out", decider(name="other"), None, None)
    elif other == "size":
        write_table(one.source, people(400))
        [one] = partitions_of([one.source], f"{tmp_path}/out", fair, None, None)
    elif other == "foreign":
        pq.write_table(pa.table({"a": [1]}), out)
    else:
        out.write_text("mine")
    before = out.read_bytes()
    told = {"judge": "another judge", "size": "has changed since"}.get(other, "did not write it")
    assert told in decide_partition(one, fair).error
    assert out.read_bytes() == before
    with pytest.raises(InputError, match=told):
        done(one)


def test_an_output_says_what_it_is(tmp_path: Path) -> None:
    fair = decider()
    [one] = parts(tmp_path, fair, people(4))
    decide_partition(one, fair)
    said = json.loads(pq.read_metadata(one.out).metadata[KEY])
    assert said["source"] == one.source
    assert said["tally"]["rows"] == 4


def test_partitions_that_would_be_written_over_are_refused(tmp_path: Path) -> None:
    fair = decider()
    place = write_table(tmp_path / "in" / "a.csv", people(4))
    with pytest.raises(InputError, match="is inside of --out"):
        partitions_of([str(place)], str(tmp_path / "in"), fair, None, None)
    write_table(tmp_path / "in" / "a.csv.parquet", people(4))
    both = [str(tmp_path / "in" / name) for name in ("a.csv", "a.csv.parquet")]
    with pytest.raises(InputError, match="Two partitions would be written to"):
        partitions_of(both, str(tmp_path / "out"), fair, None, None)
