"""What the deciding commands share: options that need each other, rows, decisions in words."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from leanfair.cli.fairness import judging
from leanfair.errors import InputError, OptionError
from leanfair.fairness.types import Decision
from tests.support.judges import OPTIONS, judge

YES = Decision("yes", {"yes": 0.9, "no": 0.1}, "answered", flipped=True)
REFUSED = Decision(None, {}, "refused", captured=0.0)


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


def test_the_text_of_a_row_is_decided_about_where_the_prompt_asks_for_nothing_else() -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[0.9, 0.1]] * len(texts)

    decider = judge(model)
    decider.prompt = "Is it so? {text}"
    assert judging.decided([{"text": "a", "id": "1"}], decider, decider)[0].label == "yes"
    assert asked == ["Is it so? a"]
    with pytest.raises(InputError, match="Row 2 of the table has no text"):
        judging.decided([{"text": "a"}, {"text": 3}], decider, decider)


@pytest.mark.parametrize("nothing", ["", " ", None, float("nan")])
def test_an_empty_row_is_told_and_stops_nothing(
    nothing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    decider = judge(lambda texts: [[0.9, 0.1]] * len(texts))
    decider.prompt = "Is it so? {text}"
    found = judging.decided([{"text": "a"}, {"text": nothing}, {"text": "b"}], decider, decider)
    assert [one.status for one in found] == ["answered", "empty", "answered"]
    assert capsys.readouterr().err.startswith("Row 2 of 3: empty")
    with pytest.raises(InputError, match="Every row of the table is empty"):
        judging.decided([{"text": nothing}], decider, decider)


def test_an_end_beyond_a_limit_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    judging.end([None])
    with pytest.raises(typer.Exit) as ended:
        judging.end([None, "Too many."])
    assert ended.value.exit_code == judging.EXCEEDED == 3
    assert capsys.readouterr().err == "Too many.\n"


def test_decisions_go_behind_the_columns_and_are_counted_in_words() -> None:
    table = [{"id": "1", "note": "kept"}, {"id": "2", "note": ""}]
    called = judging.columns_of(table, OPTIONS)
    rows = judging.with_decisions(table, [YES, REFUSED], called)
    assert [row["note"] for row in rows] == ["kept", ""]
    assert "leanfair_note" in rows[0]
    assert rows[0]["id"] == "1"
    assert (rows[0]["decision"], rows[0]["p_yes"], rows[0]["flipped"]) == ("yes", 0.9, True)
    assert (rows[1]["decision"], rows[1]["status"], rows[1]["p_yes"]) == (None, "refused", None)
    words = judging.told([YES, REFUSED], OPTIONS, passes=4)
    assert "2 rows: yes 1, no 0, refused 1." in words
    assert "1 of 1 (100.0%)" in words
