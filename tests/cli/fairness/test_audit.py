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


@pytest.fixture
def applications(tmp_path: Path) -> Path:
    """Decisions that exist: each application sent twice, by a man and a woman of each race."""
    rows = [
        {
            "sent": i, "sex": sex, "race": ("White", "Black")[i % 2],
            "outcome": "call" if i % 6 < (3 if sex == "Male" else 2) else "none", "score": i,
        }
        for i in range(48)
        for sex in ("Male", "Female")
    ]  # fmt: skip
    return write_table(tmp_path / "sent.csv", rows)


def test_decisions_that_exist_are_audited_without_a_model(
    leanfair: Leanfair, applications: Path, tmp_path: Path
) -> None:
    given = {
        "--decisions": "outcome", "--probability": "score", "--in": applications,
        "--group": "sex,race", "--favourable": "call", "--format": "ll144",
        "--out": tmp_path / "law",
    }  # fmt: skip
    result = leanfair("audit", *words(given))
    assert result.exit_code == 0, result.output
    assert "No column says what is right" in result.stdout
    names = {path.name for path in (tmp_path / "law").iterdir()}
    assert names >= {"summary.json", "report.html", "ll144.csv", "ll144.html"}
    assert not names & {"answers.jsonl"}
    table = (tmp_path / "law" / "ll144.csv").read_text()
    assert "intersections,Female & Black,24" in table


def test_pairs_of_rows_give_flips_that_a_limit_is_held_against(
    leanfair: Leanfair, applications: Path, tmp_path: Path
) -> None:
    given = {
        "--decisions": "outcome", "--in": applications, "--group": "sex", "--favourable": "call",
        "--pair": "sent", "--max-flip-rate": 0.1, "--out": tmp_path / "pairs",
    }  # fmt: skip
    result = leanfair("audit", *words(given))
    assert result.exit_code == 3, result.output
    assert "above the limit of 0.1" in result.stderr
    page = (tmp_path / "pairs" / "report.html").read_text()
    assert "Of pairs that differ in sex" in page


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"--decisions": None}, "--model"),
        ({"--decisions": "nothing"}, "no column 'nothing'"),
        ({"--model": "llm"}, "--model asks something of a model"),
        ({"--attribute": "sex"}, "--attribute"),
        ({"--favourable": "yes"}, "'call', 'none'"),
        ({"--group": "sex", "--format": "ll144"}, "Local Law 144"),
        ({"--format": "gdpr"}, "--format"),
        ({"--pair": "race"}, "pair"),
        ({"--group": "score"}, "--cuts, such as score="),
        ({"--cuts": "score"}, "--cuts"),
        ({"--weight": "race"}, "not a number"),
        ({"--label": "race"}, "--positive"),
    ],
)
def test_what_is_wrong_with_recorded_decisions_is_one_sentence(
    change: dict[str, Any], named: str, leanfair: Leanfair, applications: Path, tmp_path: Path
) -> None:
    given = {
        "--decisions": "outcome", "--in": applications, "--group": "sex,race",
        "--favourable": "call", "--out": tmp_path / "out", **change,
    }  # fmt: skip
    pairs = {name: value for name, value in given.items() if value is not None}
    assert named in complaint(leanfair("audit", *words(pairs)))
