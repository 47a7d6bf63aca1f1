"""What an audit gives back is written where it is told to, or into its run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.audit.result import Audit, failures_above
from leanfair.fairness.types import Answer
from leanfair.files.own_folder import claim
from tests.support.judges import RACE, Scripted, said


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


def failing(share: float) -> Audit:
    """The audit of a judge that hires all but the black, while requests about some rows fail."""

    def answer(item: Any) -> Answer:
        if item["score"] % 10 < 10 * share:
            return Answer("failed", captured=0.0)
        return said("no" if item["race"] == "black" else "yes")

    rows = [{"race": race, "score": i} for i in range(20) for race in ("black", "white")]
    given = {"group": "race", "favourable": "yes", "bootstrap": 100, "attribute": RACE}
    return leanfair.audit(Scripted(answer), rows, rules=["mean"], **given)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7])
def test_failed_requests_make_no_biased_judge_pass(share: float) -> None:
    found = failing(share)
    assert found.summary["groupings"][0]["parity_at_most"]["none"] == pytest.approx(1.0)
    assert found.summary["flip_rate_at_most"]["none"] == pytest.approx(1.0)
    assert found.summary["failed_rows"] == round(40 * share)
    (told,) = found.exceeds(max_difference=0.95)
    assert "above the limit of 0.95" in told
    assert len(found.exceeds(max_flip_rate=0.95)) == 1
    assert bool(found.exceeds(max_failed=0.0)) is (share > 0)
    assert found.exceeds(max_failed=share) == []
    assert any("failed" in note for note in found.summary["notes"]) is (share > 0)


def test_what_could_not_have_been_above_a_limit_is_within_it() -> None:
    assert failing(0.0).exceeds(max_difference=1.0, max_flip_rate=1.0, max_failed=0.0) == []
    with pytest.raises(InputError, match="a share from 0 to 1, not 2"):
        failures_above(0, 10, 2)


def test_an_audit_without_a_label_makes_no_accuracy_up(tmp_path: Path) -> None:
    found = audit(label=None, attribute="race", rules=["mean"], out=tmp_path)
    summary = found.summary
    assert summary["accuracy"] == {"none": None, "mean": None}
    odds = ("equal_opportunity_difference", "average_odds_difference", "equalized_odds_difference")
    for name in (*odds, "accuracy"):
        assert summary["metrics"][name]["none"]["reason"] == "no label says what is right"
    assert summary["metrics"]["demographic_parity_difference"]["none"]["value"] == 0.0
    assert "label_option" not in found.decisions[0]
    page = found.report().read_text()
    assert "Equal opportunity" not in page
    assert "no label says what is right" in page


def test_columns_of_the_user_s_stay_as_they_are() -> None:
    rows = [{"flipped": "ab"[i % 2], "row": "yes", "x": i} for i in range(8)]
    judge = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{x}", ["yes", "no"])
    found = leanfair.audit(judge, rows, group="flipped", label="row", favourable="yes")
    assert [row["flipped"] for row in found.decisions] == [row["flipped"] for row in rows]
    assert found.decisions[0]["row"] == "yes"
    assert found.decisions[0]["leanfair_row"] == 1
