"""A rule decides by the same variations, whichever of them came in."""

from __future__ import annotations

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.types import BLIND
from leanfair.fairness.variations.varier import Varier

TEXT = "He is a Black man from Ohio."


def test_variations_do_not_tell_which_came_in() -> None:
    varier = Varier("race")
    found = varier.variations(TEXT)
    assert len(found) > 2
    for one in found:
        again = varier.variations(one.text)
        assert [(each.value, each.text) for each in again] == [(e.value, e.text) for e in found]
        assert [each.text for each in again if each.original] == [one.text]


def test_the_blind_variation_is_the_same_for_all() -> None:
    varier = Varier("race")
    blinded = {varier.blinded(one.text) for one in varier.variations(TEXT)}
    (only,) = blinded
    assert only.value == BLIND
    assert "black" not in only.text.lower()


def test_a_text_needs_values_that_the_lexicon_has_and_a_record_does_not() -> None:
    varier = Varier(leanfair.attribute("race", values=["black", "martian"], field="race"))
    with pytest.raises(InputError, match="martian"):
        varier.variations(TEXT)
    found = varier.variations({"race": "black"})
    assert [one.item for one in found] == [{"race": "black"}, {"race": "martian"}]


def test_settings_are_told_plainly_of_one_attribute_and_by_name_of_several() -> None:
    race = leanfair.attribute("race", values=["black", "white"])
    assert Varier(race).describe()["values"] == ["black", "white"]
    both = Varier([race, leanfair.attribute("gender")])
    assert both.describe()["values"] == {"race": ["black", "white"]}
    assert both.name == "race and gender"
