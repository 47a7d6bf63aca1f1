"""`leanfair audit`: a directory with the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from leanfair.data.tables import write_table
from tests.support import tiny_judge as tiny

Leanfair = Callable[..., Result]

PROMPT = "The applicant is {age} years old, race {race}. Should the loan be approved? Answer:"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny random Llama as transformers saves it."""
    path = tmp_path_factory.mktemp("model")
    tiny.model().save_pretrained(path)
    tiny.tokenizer().save_pretrained(path)
    return str(path)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    races = ["Black", "White", "White", "Black"]
    rows = [
        {"age": str(20 + i), "race": races[i % 4], "right": "yes" if i % 3 else "no"}
        for i in range(48)
    ]
    return write_table(tmp_path / "people.csv", rows)


@pytest.fixture
def given(folder: str, people: Path, tmp_path: Path) -> dict[str, Any]:
    """Options of `decide`."""
    (tmp_path / "prompt.txt").write_text(PROMPT + "\n")
    return {
        "--model": folder, "--prompt": tmp_path / "prompt.txt", "--options": "yes,no",
        "--in": people, "--attribute": "race", "--values": "Black,White", "--min-captured": 0,
    }  # fmt: skip


def words(given: dict[str, Any]) -> list[object]:
    return [word for pair in given.items() for word in pair if word is not None]


def complaint(result: Result) -> str:
    assert result.exit_code == 2, (result.output, result.exception)
    lines = [line for line in result.stderr.strip().splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]


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
