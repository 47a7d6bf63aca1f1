"""The demo commands hand their directory on, and fail in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import Result

from leanfair.cli.fairness import demo_fair
from leanfair.cli.pruning import demo_digits
from leanfair.errors import InputError

Leanfair = Callable[..., Result]
DIGITS, FAIR = ["demo", "prune"], ["demo", "fair"]


@pytest.mark.parametrize(("module", "command"), [(demo_digits, DIGITS), (demo_fair, FAIR)])
def test_a_demo_runs_in_the_directory_that_is_given(
    module: object, command: list[str], leanfair: Leanfair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(module, "run", lambda out, quiet: asked.append((out, quiet)))
    result = leanfair(*command, "--out", "somewhere", "--quiet")
    assert result.exit_code == 0, result.output
    assert asked == [("somewhere", True)]


def test_what_a_demo_lacks_is_one_sentence(
    leanfair: Leanfair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(out: str, quiet: bool) -> None:
        raise InputError("It is not there.")

    monkeypatch.setattr(demo_digits, "run", failing)
    result = leanfair(*DIGITS, "--out", "somewhere")
    assert result.exit_code == 2
    assert result.stderr.strip() == "Error: It is not there."
