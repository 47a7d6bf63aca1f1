"""`leanfair prune` from end to end on a small network, and everything that can be wrong with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from leanfair.cli.pruning import running
from leanfair.files import write_tensors
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.loading import load

Leanfair = Callable[..., Result]


def complaint(result: Result) -> str:
    """The one sentence of a command that refused."""
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in result.output
    return lines[0]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_meets_its_target_and_leaves_network_summary_and_report(
    finished: tuple[Path, Result],
) -> None:
    out, result = finished
    summary = json.loads((out / "summary.json").read_text())
    assert summary["removed"] >= 0.4
    assert summary["macs"]["after"] <= 0.6 * summary["macs"]["before"]
    assert f"Report: {out}/report.html" in result.stdout
    assert (out / "report.html").stat().st_size > 0
    pruned = load(out)
    assert pruned(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


def test_the_table_has_every_cost_before_and_after(finished: tuple[Path, Result]) -> None:
    out, result = finished
    summary = json.loads((out / "summary.json").read_text())
    for when in ("before", "after"):
        assert f"{summary['macs'][when]:,}" in result.stdout
        assert f"{summary['params'][when]:,}" in result.stdout
        assert f"{summary['accuracy'][when]:.2%}" in result.stdout
    for row in ("file size", "latency, batch 1", "latency, batch 128"):
        assert row in result.stdout


def test_without_a_terminal_rounds_are_plain_lines_on_stderr(
    finished: tuple[Path, Result],
) -> None:
    out, result = finished
    steps = json.loads((out / "steps.json").read_text())
    rounds = [line for line in result.stderr.splitlines() if "MACs left" in line]
    assert len(rounds) == len(steps) > 0
    for line, step in zip(rounds, steps, strict=True):
        assert step["chosen"] in line
        assert f"{step['accuracy']:.2%}" in line
    assert all(c.isprintable() or c == "\n" for c in result.output)


@pytest.mark.real
def test_another_process_without_a_terminal_writes_no_escape_codes(
    quick: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "leanfair", "prune", *quick, "--cut", "0.1"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "round   1" in done.stderr
    assert "Removed" in done.stdout


def test_quiet_shows_the_result_alone(leanfair: Leanfair, quick: list[str], tmp_path: Path) -> None:
    result = leanfair("prune", *quick, "--cut", 0.1, "--out", tmp_path / "run", "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "Removed" in result.stdout


def test_a_process_that_is_not_the_main_one_prints_nothing(
    leanfair: Leanfair, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "is_main_process", lambda: False)
    result = leanfair("prune", *quick, "--cut", 0.1, "--out", tmp_path / "run")
    assert (result.exit_code, result.output) == (0, "")


def test_a_finished_run_resumes_to_the_same_result(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result], tmp_path: Path
) -> None:
    out = tmp_path / "copy"
    shutil.copytree(finished[0], out)
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", out, "--resume")
    assert result.exit_code == 0, result.output
    for name in ("model.safetensors", "cuts.json", "steps.json"):
        assert (out / name).read_bytes() == (finished[0] / name).read_bytes()
    assert "MACs left" not in result.stderr


def test_a_run_that_cannot_meet_its_target_says_why(
    leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = leanfair("prune", *quick, "--cut", 0.9, "--min-accuracy", 1, "--out", out)
    assert result.exit_code == 0, result.output
    why = json.loads((out / "summary.json").read_text())["stopped_because"]
    told = " ".join(result.stdout.split())
    assert "The target was NOT met: 0.0% of the MACs removed in 0 rounds, not 90.0%" in told
    assert f"because {why}." in told


@pytest.mark.parametrize("model", ["no/such/file.safetensors", "resnet999-of-nobody"])
def test_a_model_that_is_not_there_is_refused_by_name(
    model: str, leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    result = leanfair("prune", model, *quick[1:], "--cut", 0.4, "--out", tmp_path / "run")
    assert model in complaint(result)


def test_a_cut_beyond_the_floor_names_the_floor(
    leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    result = leanfair("prune", *quick, "--cut", 0.9999, "--out", tmp_path / "run")
    assert "beyond the floor" in complaint(result)


def test_a_model_for_other_images_is_refused(
    leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    two = tmp_path / "two.safetensors"
    write_tensors(two, CifarResNet(depth=14, channels=2).state_dict())
    result = leanfair("prune", two, *quick[1:], "--cut", 0.4, "--out", tmp_path / "run")
    assert "2 channels" in complaint(result)


def test_a_model_with_too_few_classes_is_refused(
    leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    few = tmp_path / "few.safetensors"
    write_tensors(few, CifarResNet(depth=14, channels=1, classes=4).state_dict())
    result = leanfair("prune", few, *quick[1:], "--cut", 0.4, "--out", tmp_path / "run")
    assert "4 classes" in complaint(result)


@pytest.mark.parametrize("missing", ["--cut", "--data"])
def test_cut_and_data_must_be_given(
    missing: str, leanfair: Leanfair, weights: str, tmp_path: Path
) -> None:
    given = {"--cut": "0.4", "--data": "digits"}
    given.pop(missing)
    options = [word for pair in given.items() for word in pair]
    result = leanfair("prune", weights, *options, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert missing in result.stderr


def test_a_directory_must_be_given(leanfair: Leanfair, quick: list[str]) -> None:
    assert "--out" in complaint(leanfair("prune", *quick, "--cut", 0.4))


def test_json_is_for_plans(leanfair: Leanfair, quick: list[str], tmp_path: Path) -> None:
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", tmp_path / "run", "--json")
    assert "--plan" in complaint(result)


def test_a_directory_that_holds_a_run_is_not_overwritten(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result]
) -> None:
    before = content(finished[0])
    assert "--resume" in complaint(leanfair("prune", *quick, "--cut", 0.4, "--out", finished[0]))
    assert content(finished[0]) == before


def test_a_run_is_not_resumed_with_other_settings(
    leanfair: Leanfair, quick: list[str], finished: tuple[Path, Result]
) -> None:
    result = leanfair("prune", *quick, "--cut", 0.5, "--out", finished[0], "--resume")
    assert "cut" in complaint(result)


def test_debug_keeps_the_traceback(leanfair: Leanfair, quick: list[str], tmp_path: Path) -> None:
    result = leanfair("prune", *quick, "--cut", 2, "--out", tmp_path / "run", "--debug")
    assert result.exit_code == 1
    assert "between 0 and 1" in str(result.exception)
