"""Why an item comes back alone, in one sentence."""

from __future__ import annotations

import pytest

import leanfair
from leanfair.fairness.types import Item


@pytest.mark.parametrize(
    ("item", "attribute", "said"),
    [
        ("The bank is near.", "race", "the text does not tell race"),
        ("A Latinx man applied.", "race", "'Latinx', which has no counterpart"),
        ("She is a woman, pronouns: ze.", "gender", "may tell it besides by words not"),
        ({"sex": "female", "note": "He left."}, "gender", "'He' does not agree with its field"),
        ({"surname": "Garcia"}, "name", "tells name in part, by 'Garcia'"),
        ("Jamal applied.", "race", "the text tells race by 'Jamal'; people's names change too"),
        ("Jamal is Black.", "race", "the text also tells race by 'Jamal'"),
    ],
)
def test_the_reason_is_told(item: Item, attribute: str, said: str) -> None:
    (alone,) = leanfair.vary(item, attribute)
    assert said in alone.note
    assert not alone.note.endswith(".")


def test_what_is_half_understood_names_its_words_once() -> None:
    (alone,) = leanfair.vary({"email": "jamal@x.com"}, leanfair.attribute("race", names="turn"))
    assert alone.unread == ("jamal@x.com",)
