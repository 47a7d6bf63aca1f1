"""Tables in partitions on Ray have the decisions of the plain path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leanfair.data.tables import read_table, write_table
from leanfair.errors import InputError, MissingDependencyError
from leanfair.fairness.deciding import cluster
from leanfair.fairness.deciding.partitions import partitions_of
from leanfair.fairness.deciding.written import columns_of
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import mitigate
from tests.support.judges import OPTIONS, PROMPT, RACE, biased, people


def decider(name: str | None = "toy", **settings: Any) -> Decider:
    judge = Judge(Function(biased("black", 0.3), name=name), PROMPT, OPTIONS, **settings)
    return mitigate(judge, RACE)


def test_rows_of_a_dataset_get_our_columns_behind_theirs() -> None:
    rows = [*people(5), dict.fromkeys(people(1)[0])]
    called = columns_of(rows[0], OPTIONS)
    found = cluster.RowWorker(decider(), called)(pa.Table.from_pylist(rows)).to_pylist()
    expected = decider().decide(rows[:5])
    assert [row["p_yes"] for row in found[:5]] == [d.probabilities["yes"] for d in expected]
    assert [row["status"] for row in found] == ["answered"] * 5 + ["empty"]
    assert [{name: row[name] for name in rows[0]} for row in found] == rows


def test_what_became_of_partitions_comes_back_from_a_worker_as_it_was(tmp_path: Path) -> None:
    fair, out = decider(), str(tmp_path / "out")
    sources = [str(write_table(tmp_path / "in" / f"{n}é.parquet", people(n))) for n in (3, 8)]
    sources.append(str(tmp_path / "in" / "gone.parquet"))
    Path(sources[2]).write_bytes(b"PAR1")
    given = partitions_of(sources, out, fair, None, None)
    worker = cluster.Worker(fair)
    said = worker({"partition": [json.dumps(asdict(one)) for one in given]})["outcome"]
    found = [cluster.outcome_of(one) for one in said]
    assert [one.source for one in found] == sources
    assert [one.tally.rows for one in found] == [3, 8, 0]
    assert [sum(one.tally.labels.values()) for one in found] == [3, 8, 0]
    assert [bool(one.error) for one in found] == [False, False, True]


def test_a_leaning_that_needs_the_whole_table_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="call fit with a sample first"):
        cluster.decide_partitions("in/*.parquet", "out", decider(calibration="batch"))
    with pytest.raises(InputError, match="call fit with a sample first"):
        cluster.decide_dataset(None, decider(calibration="batch"))
    cluster.check_fitted(decider(calibration="contextual"))
    cluster.check_fitted(decider(calibration="batch").fit(people(20)))


def test_without_ray_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'leanfair\[ray\]'"):
        cluster.decide_dataset(None, decider())


RUN = """
import sys
from pathlib import Path
from leanfair.data.tables import read_table, write_table
from leanfair.fairness.deciding.cluster import decide_dataset, decide_partitions
from tests.fairness.deciding.test_cluster import decider
import ray
place = Path(sys.argv[1])
found = decide_partitions(f"{place}/in/*.parquet", f"{place}/out", decider(), workers=2)
assert found.partitions == 4 and found.tally.rows == 60, found
assert sum(found.tally.labels.values()) == 60 and {*found.tally.labels} <= {"yes", "no"}, found
assert [*found.failed] == [f"{place}/in/bad.parquet"], found.failed
assert "cannot be read" in found.failed[f"{place}/in/bad.parquet"]
again = decide_partitions(f"{place}/in/*.parquet", f"{place}/out", decider(), workers=2)
assert (again.again, again.tally.rows, again.tally.asked) == (3, 60, 0), again
data = ray.data.read_parquet([f"{place}/in/{i}.parquet" for i in range(3)])
rows = decide_dataset(data, decider(), workers=2, batch_size=16).take_all()
plain = decider().decide(read_table(f"{place}/whole.parquet"))
expected = sorted(d.probabilities["yes"] for d in plain)
assert sorted(row["p_yes"] for row in rows) == expected
written = [row for i in range(3) for row in read_table(f"{place}/out/{i}.parquet")]
assert sorted(row["p_yes"] for row in written) == expected
print("well", ray.is_initialized())
"""


@pytest.mark.real
def test_partitions_and_datasets_on_two_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs leanfair[ray]")
    rows = people(60)
    write_table(tmp_path / "whole.parquet", rows)
    for number in range(3):
        write_table(tmp_path / "in" / f"{number}.parquet", rows[20 * number : 20 * number + 20])
    (tmp_path / "in" / "bad.parquet").write_bytes(b"PAR1")
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    # Ray lets others go first, which on a busy machine is for ever.
    env = {**os.environ, "RAY_worker_niceness": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.stdout.endswith("well True\n"), done.stderr
    for number in range(3):
        found = read_table(tmp_path / "out" / f"{number}.parquet")
        expected = decider().decide(rows[20 * number : 20 * number + 20])
        assert [row["decision"] for row in found] == [d.label for d in expected]
