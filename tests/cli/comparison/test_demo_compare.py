"""The demo compares the run that make demo leaves, or makes one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanfair.cli.comparison import demo_compare
from leanfair.cli.pruning import demo_digits


def finish(run: Path) -> None:
    demo_digits.weights_in(run).parent.mkdir(parents=True)
    demo_digits.weights_in(run).touch()
    (run / "summary.json").touch()


@pytest.mark.parametrize(
    ("there", "taken", "made"),
    [
        ("demo-prune", "demo-prune", 0),
        (None, "demo-compare/run", 1),
        ("demo-compare/run",) * 2 + (0,),
    ],
)
def test_what_there_is_is_not_redone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: str | None, taken: str, made: int
) -> None:
    pruned: list[str] = []
    compared: list[Any] = []
    monkeypatch.setattr(demo_digits, "run", lambda out, quiet: pruned.append(out))
    monkeypatch.setattr(demo_compare, "compare_and_show", lambda *given: compared.append(given))
    if there is not None:
        finish(tmp_path / there)
    demo_compare.run(str(tmp_path / "demo-compare"), quiet=True)
    assert len(pruned) == made
    ((base, run, data, *_),) = compared
    assert (Path(run), data) == (tmp_path / taken, "digits")
    assert Path(base) == demo_digits.weights_in(tmp_path / taken)
