"""`leanfair decide --engine ray` from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from leanfair.data.tables import read_table, write_table
from leanfair.fairness.deciding import cluster
from leanfair.fairness.deciding.cluster import Decided
from leanfair.fairness.deciding.tally import Tally
from tests.support.commands import complaint, words

Leanfair = Callable[..., Result]


def test_what_failed_is_told_at_the_end_with_an_exit_code(
    leanfair: Leanfair, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def decided(pattern: str, out: str, decider: Any, **settings: Any) -> Decided:
        asked.append((pattern, out, settings["workers"], settings["store"]))
        return Decided(3, Tally(rows=7), {"in/b.csv": "it is broken."}, again=1)

    monkeypatch.setattr(cluster, "decide_partitions", decided)
    given = {**given, "--in": "in/*.csv", "--out": tmp_path / "out", "--workers": 2}
    result = leanfair("decide", *words({**given, "--engine": "ray"}))
    assert result.exit_code == 3, result.output
    assert asked == [("in/*.csv", str(tmp_path / "out"), 2, None)]
    assert "2 partitions are decided about, 1 of them before." in result.stdout
    assert "in/b.csv: it is broken." in result.stderr
    assert "1 of 3 partitions were not decided about" in result.stderr
    assert "--workers goes with --engine ray" in complaint(leanfair("decide", *words(given)))


def test_an_output_that_is_called_like_a_table_is_refused(
    leanfair: Leanfair, given: dict[str, Any], tmp_path: Path
) -> None:
    given = {**given, "--engine": "ray", "--out": tmp_path / "out.csv"}
    assert "names a folder" in complaint(leanfair("decide", *words(given)))


@pytest.mark.real
def test_partitions_are_decided_as_the_whole_is(
    leanfair: Leanfair, given: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs leanfair[ray]")
    rows = read_table(people)
    write_table(tmp_path / "in" / "a.csv", rows[:30])
    write_table(tmp_path / "in" / "b.csv", rows[30:])
    result = leanfair("decide", *words({**given, "--out": tmp_path / "plain.jsonl"}))
    assert result.exit_code == 0, result.output
    given = {**given, "--in": f"{tmp_path}/in/*.csv", "--out": tmp_path / "out", "--engine": "ray"}
    result = leanfair("decide", *words({**given, "--workers": 1}))
    assert result.exit_code == 0, result.output
    found = [row for name in "ab" for row in read_table(tmp_path / f"out/{name}.csv.parquet")]
    expected = read_table(tmp_path / "plain.jsonl")
    assert [row["decision"] for row in found] == [row["decision"] for row in expected]
    assert [row["p_yes"] for row in found] == pytest.approx([row["p_yes"] for row in expected])
