"""`leanfair prune --plan`: the next step is shown, and nothing is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from leanfair.pruning.types import Cut

Leanfair = Callable[..., Result]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def planned(result: Result) -> dict:  # type: ignore[type-arg]
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_a_plan_shows_both_cuts_and_what_each_saves(leanfair: Leanfair, quick: list[str]) -> None:
    told = leanfair("prune", *quick, "--cut", 0.4, "--plan")
    assert told.exit_code == 0, told.output
    plan = planned(leanfair("prune", *quick, "--cut", 0.4, "--plan", "--json"))
    assert [cut["kind"] for cut in plan["cuts"]] == ["layer", "neurons"]
    for cut in plan["cuts"]:
        assert cut["text"] in told.stdout
        assert f"{cut['saves']['macs']:,} MACs" in told.stdout
    assert "Next is round 1" in told.stdout


def test_a_plan_writes_nothing_where_there_is_nothing(
    leanfair: Leanfair, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned(leanfair("prune", *quick, "--cut", 0.4, "--plan", "--json", "--out", "run"))
    assert list(tmp_path.iterdir()) == []


def test_the_planned_cut_is_the_one_that_a_run_makes(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result]
) -> None:
    plan = planned(leanfair("prune", *quick, "--cut", 0.4, "--plan", "--json"))
    first = json.loads((finished[0] / "steps.json").read_text())[0]
    assert Cut.from_json(first["cut"]) in [
        Cut.from_json({k: v for k, v in cut.items() if k != "text"}) for cut in plan["cuts"]
    ]


def test_a_plan_goes_on_from_a_run_and_leaves_it_as_it_is(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    _leave_first_round(leanfair, quick, out)
    before = content(out)
    plan = planned(leanfair("prune", *quick, "--cut", 0.4, "--plan", "--json", "--out", out))
    assert plan["round"] == 2
    assert plan["removed"] > 0
    second = json.loads((finished[0] / "steps.json").read_text())[1]
    assert second["cut"] in [{k: v for k, v in cut.items() if k != "text"} for cut in plan["cuts"]]
    assert content(out) == before


def test_a_plan_for_a_finished_run_says_that_it_is_over(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result]
) -> None:
    before = content(finished[0])
    result = leanfair("prune", *quick, "--cut", 0.4, "--plan", "--out", finished[0])
    assert result.exit_code == 0, result.output
    assert "There is no next step: the target is met." in result.stdout
    assert content(finished[0]) == before


def test_a_plan_on_the_run_of_other_settings_is_refused(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result]
) -> None:
    result = leanfair("prune", *quick, "--cut", 0.5, "--plan", "--out", finished[0])
    assert result.exit_code == 2
    assert "cut" in result.stderr


def _leave_first_round(leanfair: Leanfair, quick: list[str], out: Path) -> None:
    """A run that was interrupted as soon as its first round was finished."""
    from leanfair.pruning.checkpoint.run_directory import RunDirectory

    written = RunDirectory.write_step

    def write_and_stop(self, steps, model):  # type: ignore[no-untyped-def]
        written(self, steps, model)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "write_step", write_and_stop)
        result = leanfair("prune", *quick, "--cut", 0.4, "--out", out)
    assert result.exit_code == 130, result.output
