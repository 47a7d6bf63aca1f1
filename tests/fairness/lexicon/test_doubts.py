"""The lists of what may tell an attribute."""

from __future__ import annotations

import pytest

from leanfair.fairness.lexicon.doubts import doubts, suspicions
from leanfair.fairness.lexicon.loading import ATTRIBUTES
from leanfair.fairness.lexicon.words import english


def test_nouns_for_things_are_none_for_persons() -> None:
    assert doubts().things & english().people == set()


@pytest.mark.parametrize("word", ["server", "stenographer", "archivist", "trustee", "comedienne"])
def test_some_words_sound_like_persons(word: str) -> None:
    assert doubts().sounds_like_person(word) is (word != "comedienne")


@pytest.mark.parametrize("word", ["printer", "elephant", "restaurant", "leather", "car"])
def test_things_do_not_whatever_their_ending(word: str) -> None:
    assert not doubts().sounds_like_person(word)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_of_the_package_has_words_and_fields_that_give_it_away(
    attribute: str,
) -> None:
    found = suspicions(attribute)
    assert found.fields.search(f"the {attribute} here") or attribute == "name"
    assert not found.words.search("the applicant asked for a loan")


def test_an_attribute_of_ones_own_has_none() -> None:
    assert not suspicions("party").fields.search("party")
    assert not suspicions("party").words.search("Labour")
