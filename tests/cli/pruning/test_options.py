"""Options of the command line become settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from leanfair.cli.pruning import running
from leanfair.data.images import Images

Leanfair = Callable[..., Result]


def complaint(result: Result) -> str:
    """The one sentence of a command that refused."""
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in result.output
    return lines[0]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--criterion", "magic"], "magic"),
        (["--of", "beauty"], "beauty"),
        (["--preset", "speedy"], "speedy"),
        (["--match", "price"], "price"),
        (["--spread", "thin"], "thin"),
        (["--device", "abacus"], "abacus"),
        (["--optimizer", "magic"], "magic"),
        (["--threads", "0"], "--threads"),
        (["--cut", "1"], "--cut must be a number between 0 and 1"),
        (["--cut", "0"], "between 0 and 1"),
        (["--cut", "-0.5"], "between 0 and 1"),
        (["--cut", "nan"], "between 0 and 1"),
        (["--min-accuracy", "97"], "--min-accuracy must be"),
        (["--data", "no/such/folder"], "no/such/folder"),
        (["--calibration", "0"], "--calibration must be"),
        (["--image-size", "0"], "--image-size must be"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    options: list[str], named: str, leanfair: Leanfair, quick: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", out, *options)
    assert named in complaint(result)
    assert not out.exists()


def test_only_options_that_are_given_override_a_preset(
    leanfair: Leanfair, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: dict[str, object] = {}

    def noted(*_: object, **given: object) -> None:
        passed.update(given)
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "prune", noted)
    options = ["--cut", 0.4, "--out", tmp_path / "run", "--preset", "paper", "--round-epochs", 2]
    leanfair("prune", weights, "--data", "digits", *options, "--quiet")
    own = {"train", "calibration", "test", "on_event", "out", "resume"}
    assert {name: value for name, value in passed.items() if name not in own} == {
        "cut": 0.4,
        "preset": "paper",
        "round_epochs": 2.0,
    }
    assert isinstance(passed["train"], Images)
    assert not passed["train"].augment
