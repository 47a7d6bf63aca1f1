"""What the deciding commands share: options that need each other, rows, decisions in words."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from leanfair.cli.fairness import judging
from leanfair.errors import OptionError


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rule": "median"}, "rule needs attribute"),
        ({"rules": ["mean"]}, "rules needs attribute"),
        ({"values": ["black"]}, "values needs attribute"),
        (
            {"attribute": ["race", "gender"], "field": ["race"]},
            "field goes with a single",
        ),
    ],
)
def test_an_option_that_needs_an_attribute_is_refused_without(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(OptionError, match=told):
        judging.check_attribute(given)


@pytest.mark.parametrize("given", [{}, {"rule": "none"}, {"attribute": ["race"], "field": ["r"]}])
def test_options_that_go_together_are_taken(given: dict[str, Any]) -> None:
    judging.check_attribute(given)


def test_progress_goes_on_by_the_prompts_of_a_step_and_never_beyond_the_rows() -> None:
    seen: list[tuple[int, int]] = []
    steps = judging.Steps(25, 10, lambda done, total: seen.append((done, total)))
    steps.prompts(15, 30)
    steps.decided(10, 25)
    steps.prompts(30, 30)
    steps.decided(20, 25)
    steps.prompts(1, 2)
    assert seen == [(5, 25), (10, 25), (20, 25), (20, 25), (22, 25)]
    judging.Steps(5, 10, None).prompts(1, 2)


def test_an_end_beyond_a_limit_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    judging.end([None])
    with pytest.raises(typer.Exit) as ended:
        judging.end([None, "Too many."])
    assert ended.value.exit_code == judging.EXCEEDED == 3
    assert capsys.readouterr().err == "Too many.\n"
