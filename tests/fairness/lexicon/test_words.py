"""The lists of English words are sets of words in small letters, without contradictions."""

from __future__ import annotations

from dataclasses import fields

from leanfair.fairness.lexicon.words import english


def test_every_list_holds_words_in_small_letters() -> None:
    for field in fields(english()):
        found = getattr(english(), field.name)
        for words in found.values() if isinstance(found, dict) else [found]:
            assert words
            assert all(word == word.lower() and word.strip() == word for word in words)


def test_people_come_in_both_numbers_irregular_ones_too() -> None:
    for one, many in (("engineer", "engineers"), ("person", "people"), ("man", "men")):
        assert {one, many} <= english().people


def test_small_words_end_a_description() -> None:
    assert english().function <= english().closing
