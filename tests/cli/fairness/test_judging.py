"""What the deciding commands share: options that need each other, rows, decisions in words."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.cli.fairness import judging
from leanfair.errors import InputError, OptionError
from leanfair.fairness.types import Decision
from tests.support.judges import OPTIONS, biased, judge

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
    rows = [{"text": "a", "id": "1"}, {"id": "2"}]
    decider = judge(biased())
    assert judging.items_of(rows, decider) == rows
    decider.prompt = "Is it so? {text}"
    with pytest.raises(InputError, match="Row 2 of the table has no text"):
        judging.items_of(rows, decider)
    assert judging.items_of(rows[:1], decider) == ["a"]


def test_decisions_go_behind_the_columns_and_are_counted_in_words() -> None:
    rows = judging.with_decisions([{"id": "1"}, {"id": "2"}], [YES, REFUSED], OPTIONS)
    assert rows[0]["id"] == "1"
    assert (rows[0]["decision"], rows[0]["p_yes"], rows[0]["flipped"]) == ("yes", 0.9, True)
    assert (rows[1]["decision"], rows[1]["status"], rows[1]["p_yes"]) == (None, "refused", None)
    words = judging.told([YES, REFUSED], OPTIONS, passes=4)
    assert "2 rows: yes 1, no 0, refused 1." in words
    assert "1 of 1 (100.0%)" in words
