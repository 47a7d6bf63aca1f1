"""What may tell the attribute is told; what plainly tells nothing is let go."""

from __future__ import annotations

import pytest

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.doubts import doubtful

DOUBTED = [
    ("race", "A Black sous-chef applied.", "Black sous"),
    ("race", "a Black man and a black stevedore", "black stevedore"),
    ("race", "a black trombonist", "black trombonist"),
    ("race", "a black car driver", "black car driver"),
    ("race", "Applicants of color are welcome.", "Applicants of color"),
    ("race", "Race: Klingon", "Klingon"),
    ("race", "ethnicity = two-spirited", "two-spirited"),
    ("gender", "They are a tradeswoman.", "tradeswoman"),
    ("gender", "Mark leads the team.", "Mark"),
    ("gender", "Reviewer Linda Jones agreed.", "Linda"),
    ("religion", "A Quaker applied.", "Quaker"),
    ("religion", "The usher is Hindu-born.", None),
    ("disability", "Due to a visual impairment she reads slowly.", "a visual impairment"),
    ("age", "A pensioner applied.", "pensioner"),
    ("disability", "He uses a hearing aid.", "hearing aid"),
    ("nationality", "A citizen of Ruritania.", "citizen of Ruritania"),
    ("name", "My name is Zebulon Quux.", "My name is Zebulon Quux"),
    ("name", "Emily Clarkson-Zorvane applied.", "Clarkson"),
]


@pytest.mark.parametrize(("attribute", "text", "words"), DOUBTED)
def test_words_that_may_tell_are_found(attribute: str, text: str, words: str | None) -> None:
    found = [text[a:b] for a, b in doubtful(text, load_attribute(attribute))]
    assert found == ([] if words is None else [words]) or (words or "") in " ".join(found)


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("race", "The applicant owns a black car and a white hatchback."),
        ("race", "Mr. Black of White Plains drank black coffee at the White House."),
        ("race", "A Black man in a black coat."),
        ("race", "An Asian restaurant and an Asian elephant."),
        ("race", "Race: unknown"),
        ("race", "The race was won by a nose."),
        ("gender", "The gender pay gap is wide."),
        ("gender", "The applicant is a nurse."),
        ("gender", "Gender: prefer not to say"),
        ("age", "The house is 90 years old."),
        ("age", "a 40-year-old bridge"),
        ("age", "She has 12 years of experience since 1999."),
        ("religion", "He turned a blind eye."),
        ("nationality", "She speaks German and Chinese."),
        ("name", "The applicant is a nurse."),
    ],
)
def test_what_tells_nothing_is_let_go(attribute: str, text: str) -> None:
    assert [text[a:b] for a, b in doubtful(text, load_attribute(attribute))] == []


def test_protected_phrases_are_no_doubt() -> None:
    text = "The Black Sous Chefs Club"
    assert doubtful(text, load_attribute("race"), ("Black Sous Chefs",)) == ()
