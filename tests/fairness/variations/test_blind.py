"""Blinding leaves the attribute out, and gives the same whichever variation came in."""

from __future__ import annotations

import pytest

from leanfair.fairness.types import BLIND
from leanfair.fairness.variations.varier import Varier

TEXTS = [
    ("race", "He is a Black man from Ohio.", "He is a man from Ohio."),
    ("race", "An Asian accountant applied.", "An accountant applied."),
    ("race", "A White lawyer applied.", "A lawyer applied."),
    ("race", "Is she an Asian?", "Is she a person?"),
    ("race", "He was Black and poor.", "He was of unstated race and poor."),
    ("race", "race: Black, age 39", "race: not stated, age 39"),
    ("race", "Whites and Asians came.", "People and people came."),
    ("gender", "He said his wife works; he is a father.",
     "They said their spouse works; they are a parent."),
    ("gender", "She works as a nurse and her boss likes her.",
     "They work as a nurse and their boss likes them."),
    ("gender", "The book is hers.", "The book is theirs."),
    ("name", "Jamal Washington works here. Jamal's boss left.",
     "The person works here. The person's boss left."),
    ("religion", "She is a devout Muslim and prays.", "She is a devout person and prays."),
    ("age", "A 35-year-old man. He is 39 years old.", "A man. He is of unstated age."),
    ("nationality", "She is from Mexico.", "She is from an unstated country."),
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "text", "blinded"), TEXTS)
def test_a_text_no_longer_tells_the_attribute(attribute: str, text: str, blinded: str) -> None:
    assert Varier(attribute).blinded(text).text == blinded


@pytest.mark.parametrize(("attribute", "text", "_"), TEXTS)
def test_it_is_the_same_whichever_variation_comes_in(attribute: str, text: str, _: str) -> None:
    varier = Varier(attribute)
    assert len({varier.blinded(v.item).text for v in varier.variations(text)}) == 1


def test_a_record_says_that_the_field_is_not_stated() -> None:
    record = {"age": 39, "race": "White", "sex": "Male"}
    blinded = Varier("race").blinded(record)
    assert blinded.value == BLIND
    assert blinded.record == {"age": 39, "race": "not stated", "sex": "Male"}
    assert blinded.text == "age: 39\nrace: not stated\nsex: Male"
    both = Varier(["race", "gender"]).blinded(record)
    assert both.record == {"age": 39, "race": "not stated", "sex": "not stated"}


def test_a_field_of_free_text_is_blinded_as_a_text() -> None:
    record = {"income": 5, "notes": "A White man, \nborn in 1980."}
    assert Varier("race").blinded(record).record == {
        "income": 5,
        "notes": "A man, \nborn in 1980.",
    }


def test_what_does_not_tell_the_attribute_comes_back_as_it_is() -> None:
    for item in ("The bank is near.", {"income": 5}):
        blinded = Varier("race").blinded(item)
        assert blinded.item == item
        assert blinded.original


@pytest.mark.parametrize("name", ["username style", "name", "surname", "style"])
def test_what_an_attribute_is_called_says_nothing_of_how_it_is_told(name: str) -> None:
    own = {"name": name, "values": ["formal", "casual"], "rows": [{"noun": ["clerk", "dude"]}]}
    assert Varier(own).blinded("She is a clerk.").text == "She is a person."


def test_names_are_left_out_as_names_whatever_the_attribute_is_called() -> None:
    own = {
        "name": "first",
        "values": ["north", "south"],
        "rows": [{"name": ["Bjarne", "Paolo"]}, {"name": ["Ingrid", "Chiara"]}],
    }
    assert Varier(own).blinded("Ingrid works here.").text == "The person works here."


@pytest.mark.parametrize(("attribute", "text", "blinded"), TEXTS)
def test_what_stands_far_away_changes_nothing(attribute: str, text: str, blinded: str) -> None:
    before, after = "The form came in late.\n\n" * 40, "\n\nThe form was sent on." * 40
    made = Varier(attribute).blinded(before + text + after).text
    assert made == before + blinded + after
