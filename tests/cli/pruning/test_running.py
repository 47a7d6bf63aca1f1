"""A run that is interrupted or fails ends in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from leanfair.cli.pruning import running
from leanfair.errors import TrainingError

Leanfair = Callable[..., Result]


def complaint(result: Result) -> str:
    """The one sentence of a command that refused."""
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in result.output
    return lines[0]


def test_an_interruption_tells_how_to_go_on(
    leanfair: Leanfair, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "prune", interrupted)
    out = tmp_path / "run"
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", out, "--quiet")
    assert result.exit_code == 130
    assert f"{out}" in result.stderr
    assert "--resume" in result.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TrainingError("The loss is not finite."), "The loss is not finite."),
        (OSError(28, "No space left on device", "runs/x"), "The disk is full (runs/x)"),
        (PermissionError(13, "Permission denied", "runs/x"), "Permission denied (runs/x)"),
    ],
)
def test_a_failure_along_the_way_is_one_sentence(
    error: Exception,
    told: str,
    leanfair: Leanfair,
    quick: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(running, "prune", failing)
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", tmp_path / "run", "--quiet")
    assert told in complaint(result)


def test_an_unforeseen_error_keeps_its_traceback(
    leanfair: Leanfair, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(running, "prune", broken)
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", tmp_path / "run", "--quiet")
    assert isinstance(result.exception, ZeroDivisionError)
