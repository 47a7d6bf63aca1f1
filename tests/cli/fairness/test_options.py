"""The rule of version 0.1 is still taken, and its new name told."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.cli.fairness.options import modern


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"rule": "gate"}, {"rule": "mean"}),
        ({"rules": "gate,median"}, {"rules": "mean,median"}),
        ({"rules": "mean,gate"}, {"rules": "mean"}),
    ],
)
def test_the_rule_gate_becomes_mean_once_and_is_told(
    given: dict[str, Any], expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(given)
    assert modern(given) == expected
    assert given == before
    assert "now called mean" in capsys.readouterr().err


@pytest.mark.parametrize("given", [{}, {"rule": "median"}, {"rules": "median,mean"}, {"out": "x"}])
def test_everything_else_stays_without_a_word(
    given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert modern(given) == given
    assert capsys.readouterr().err == ""
