"""Peoples that no lexicon of race has are told, and words that only look like them are not."""

from __future__ import annotations

import pytest

import leanfair


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("A Nubian woman applied for the post; her mother is Black.", "Nubian"),
        ("A Kurdish applicant applied.", "Kurdish"),
        ("The woman is Igbo. She is Black.", "Igbo"),
        ("A woman of Tamil descent applied.", "Tamil"),
        ("A Ghanaian man applied.", "Ghanaian"),
        ("A Sri Lankan nurse, 34, applied.", "Sri Lankan"),
        ("A young Hmong student applied.", "Hmong"),
        ("A Hutu applied for asylum.", "Hutu"),
        ("An Abkhazian tenant applied.", "Abkhazian"),
        ("She is Welsh and a good nurse.", "Welsh"),
        ("The applicant is Ghanaian", "Ghanaian"),
        ("Our tenant, who is Kurdish", "Kurdish"),
    ],
)
def test_an_unknown_people_makes_a_text_half_understood(text: str, people: str) -> None:
    (alone,) = leanfair.vary(text, "race")
    assert alone.reading == "half understood"
    assert people in alone.unread


@pytest.mark.parametrize(
    "text",
    [
        "A Boston man, who is Black, applied.",
        "A Christian woman, who is Black, applied.",
        "A Black man, an English teacher, applied.",
        "He speaks Spanish. He is Black.",
        "A Black woman speaks Spanish and cooks Asian food.",
        "The Black tenant rents a Victorian house.",
        "A Black woman likes Italian food and French wine.",
        "A Black man flew with Egyptian airlines to the Persian Gulf.",
        "A Republican voter, who is Black, called.",
        "A Black man of the Norwegian Bank called.",
    ],
)
def test_places_faiths_languages_and_goods_are_no_people(text: str) -> None:
    assert len(leanfair.vary(text, "race")) == 5


def test_other_attributes_are_not_told_of_peoples() -> None:
    assert len(leanfair.vary("A Nubian woman applied.", "gender")) == 2
