"""What an audit gives back is written where it is told to, or into its run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.audit.result import Audit
from leanfair.files.own_folder import claim


def audit(**given: Any) -> Audit:
    rows = [
        {"race": race, "score": i, "hired": "yes" if i % 2 else "no"}
        for i in range(12)
        for race in ("black", "white")
    ]
    judge = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{race} {score}", ["yes", "no"])
    settings = {"label": "hired", "group": "race", "favourable": "yes", "bootstrap": 100}
    return leanfair.audit(judge, rows, **{**settings, **given})


def test_write_and_report_take_a_directory_or_use_the_runs(tmp_path: Path) -> None:
    own = audit(out=tmp_path / "own")
    assert own.write() == tmp_path / "own"
    assert own.report() == tmp_path / "own" / "report.html"
    assert own.report(tmp_path / "other") == tmp_path / "other" / "report.html"
    assert own.report(tmp_path / "page.html") == tmp_path / "page.html"
    assert own.write(tmp_path / "third") == tmp_path / "third"
    names = {path.name for path in (tmp_path / "third").iterdir()}
    assert names == {"summary.json", "decisions.csv", "metrics.csv", "leanfair.json"}


def test_an_audit_without_a_directory_says_so_where_one_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no directory: call write\("):
        audit().write()


def test_to_dict_is_what_summary_json_holds(tmp_path: Path) -> None:
    found = audit(out=tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(
        json.dumps(found.to_dict())
    )


def test_an_audit_replaces_nothing_of_another_run_or_person(tmp_path: Path) -> None:
    found = audit()
    found.write(tmp_path / "a")
    found.write(tmp_path / "a")
    claim(tmp_path / "pruned", "prune", ())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "summary.json").write_text("{}")
    for folder in ("pruned", "mine"):
        with pytest.raises(RunDirectoryError):
            found.write(tmp_path / folder)
    assert (tmp_path / "mine" / "summary.json").read_text() == "{}"
