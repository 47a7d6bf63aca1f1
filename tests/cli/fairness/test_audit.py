"""`leanfair audit`: a directory with the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from leanfair.data.tables import read_table, write_table
from tests.support.commands import complaint, words

Leanfair = Callable[..., Result]


@pytest.fixture
def auditing(given: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Options of `audit`."""
    return {
        **given, "--label": "right", "--group": "race", "--favourable": "yes",
        "--rules": "mean,blind", "--out": tmp_path / "audit",
    }  # fmt: skip


def test_an_audit_leaves_summary_report_and_tables(
    leanfair: Leanfair, auditing: dict[str, Any], tmp_path: Path
) -> None:
    result = leanfair("audit", *words(auditing))
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "audit/summary.json").read_text())
    assert set(summary["flip_rate"]) == set(summary["accuracy"]) == {"none", "mean", "blind"}
    assert summary["flip_rate"]["mean"] == 0
    for rule in ("none", "mean"):
        found = summary["metrics"]["demographic_parity_difference"][rule]
        assert found["low"] <= found["value"] <= found["high"]
        assert rule in result.stdout
    names = {path.name for path in (tmp_path / "audit").iterdir()}
    assert names >= {"summary.json", "report.html", "decisions.csv", "metrics.csv"}


def test_a_limit_that_is_exceeded_is_told_and_ends_with_exit_code_3(
    leanfair: Leanfair, auditing: dict[str, Any], tmp_path: Path
) -> None:
    kept = words({**auditing, "--max-flip-rate": 1, "--max-difference": 1})
    assert leanfair("audit", *kept).exit_code == 0
    summary = json.loads((tmp_path / "audit/summary.json").read_text())
    assert summary["flip_rate"]["none"] > 0, "the tiny model has to flip somewhere"
    result = leanfair("audit", *words({**auditing, "--max-flip-rate": 0}))
    assert result.exit_code == 3
    assert "flip rate" in result.stderr
    assert "limit of 0" in result.stderr


def test_rows_that_were_not_read_are_told_and_end_with_exit_code_3(
    leanfair: Leanfair, auditing: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    rows = read_table(people)
    for row in rows[:8]:
        row["race"] = "Martian"
    asked = {**auditing, "--in": write_table(tmp_path / "strange.csv", rows)}
    result = leanfair("audit", *words(asked))
    assert result.exit_code == 3
    assert "half understood" in result.stdout
    assert "'race: Martian'" in result.stdout
    assert "row 1: the field 'race' is 'Martian'" in result.stderr
    assert leanfair("audit", *words({**asked, "--max-unread": 0.9})).exit_code == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"--label": "wrong"}, "wrong"),
        ({"--group": "tribe"}, "tribe"),
        ({"--favourable": "maybe"}, "maybe"),
        ({"--rules": "mean,magic"}, "magic"),
        ({"--max-flip-rate": 7}, "--max-flip-rate"),
        ({"--max-difference": -1}, "--max-difference"),
        ({"--max-difference": "nan"}, "--max-difference"),
        ({"--rules": "mean,mean"}, "--rules"),
        ({"--group": "race,race"}, "--group"),
        ({"--label": ""}, "--label"),
        ({"--cluster": " "}, "--cluster"),
        ({"--positive": ""}, "--positive"),
        ({"--attribute": None, "--values": None, "--rules": None, "--max-flip-rate": 0.1}, "--max"),
    ],
)
def test_what_is_wrong_with_audit_is_one_sentence(
    change: dict[str, Any], named: str, leanfair: Leanfair, auditing: dict[str, Any]
) -> None:
    pairs = {name: value for name, value in {**auditing, **change}.items() if value is not None}
    assert named in complaint(leanfair("audit", *words(pairs)))
