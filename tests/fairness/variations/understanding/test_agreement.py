"""The value of a variation is that of the person whom the item is about, or said not to be."""

from __future__ import annotations

import pytest

import leanfair
from leanfair.fairness.variations.vary import variations_of

GENDER = [leanfair.attribute("gender")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The applicant, whose husband works in sales, says she needs a loan.", "female"),
        ("Dear Sir, I am a mother of two.", "female"),
        ("His wife works; he does not.", "male"),
        ("The nurse's son said that her mother is ill.", "female"),
        ("The applicant says he needs a loan.", "male"),
    ],
)
def test_relatives_and_who_is_greeted_are_somebody_else(text: str, value: str) -> None:
    found = variations_of(text, GENDER)
    assert [v.value for v in found if v.original] == [value]
    assert all(v.clear for v in found)


@pytest.mark.parametrize(
    "text",
    [
        "The manager, Mr. Brown, met the applicant: she has led a team.",
        "My wife and I want a loan.",
        "A man and a woman applied.",
    ],
)
def test_where_mentions_do_not_agree_it_is_not_clear_unless_the_table_tells(text: str) -> None:
    found = variations_of(text, GENDER)
    assert len(found) == 2
    assert not any(v.clear for v in found)


def test_the_tables_group_tells_whose_value_it_is() -> None:
    text = "The manager, Mr. Brown, met the applicant: she has led a team."
    for value in ("female", "male"):
        found = variations_of(text, GENDER, known={"gender": value})
        assert [v.value for v in found if v.original] == [value]
        assert all(v.clear for v in found)


def test_a_text_that_contradicts_the_tables_group_is_half_understood() -> None:
    (only,) = variations_of("He needs a loan.", GENDER, known={"gender": "female"})
    assert only.reading == "half understood"
    assert only.unread == ("He",)
    assert "group" in only.note


def test_a_field_and_a_text_that_contradict_each_other_are_half_understood() -> None:
    (only,) = variations_of({"sex": "female", "note": "He needs a loan."}, GENDER)
    assert only.unread == ("He",)
    assert len(variations_of({"sex": "female", "note": "Her boss, he says, left."}, GENDER)) == 2
