"""Whose value it is: that of the person decided about, or of somebody else."""

from __future__ import annotations

import pytest

import leanfair
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.reading import read

RACE = load_attribute("race")
NAME = load_attribute("name")

ANOTHER = [
    "Her mother is Black.",
    "The applicant's mother is an Asian woman.",
    "He was born to Hispanic parents.",
    "His wife is Asian; he is an engineer.",
    "Jamie, whose Black husband works, applied.",
    "The tenant rents from a white landlord.",
    "The applicant says that the landlord, who is white, refused.",
    "My landlord is white.",
    "The applicant met the manager, a white man.",
    "Her boss, Mr. Olsen, a white man, met the candidate.",
    "She married a Black man.",
    "The applicant met a Black woman.",
    "He has a Black friend.",
    "She adopted an Asian child.",
    "He works for a Black woman.",
    "I was raised by an Asian grandmother.",
    "Her mother, a Latina, is a nurse.",
    "Her adopted Asian daughter is five.",
    "The defendant's white lawyer spoke.",
    "Their neighbors are Hispanic.",
    "He was interviewed by a white woman.",
]
OWN = [
    "A Black woman applied.",
    "The landlord, who is white, applied for a loan.",
    "A Black mother of two applied.",
    "Her Black patient recovered.",
    "Our applicant is Asian.",
    "The applicant, a Black man, has a wife.",
    "I am a Black nurse.",
    "The applicant is a Black nurse.",
    "The loan was requested by a Black man.",
    "The bank denied a Black man.",
    "The firm has a Black applicant.",
    "Jerome is Black; his manager is kind.",
    "The patient, who is Hispanic, met the doctor.",
    "Race: Black. Her mother works.",
]


@pytest.mark.parametrize("text", ANOTHER)
def test_what_is_said_of_somebody_else(text: str) -> None:
    mentions = read(text, RACE).mentions
    assert mentions
    assert all(mention.other for mention in mentions)
    found = leanfair.vary(text, "race")
    assert not any(one.clear for one in found)


@pytest.mark.parametrize("text", OWN)
def test_what_is_said_of_the_person(text: str) -> None:
    mentions = read(text, RACE).mentions
    assert mentions
    assert not any(mention.other for mention in mentions)
    assert all(one.clear for one in leanfair.vary(text, "race"))


@pytest.mark.parametrize("text", ANOTHER)
def test_beside_somebody_else_the_person_s_own_value_counts(text: str) -> None:
    found = leanfair.vary(f"{text} The applicant is Native American.", "race")
    assert [one.value for one in found if one.original] == ["native american"]
    assert all(one.clear for one in found)


@pytest.mark.parametrize("text", [*ANOTHER, *OWN])
def test_all_variations_say_it_of_the_same(text: str) -> None:
    others = {
        tuple(mention.other for mention in read(one.text, RACE).mentions)
        for one in leanfair.vary(text, "race")
    }
    assert len(others) == 1


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Her manager, Emily Walsh, spoke.", True),
        ("The applicant was interviewed by Mr. Jamal Washington.", True),
        ("The manager, Jamal Washington, met the applicant.", True),
        ("Dear Jamal, I am a nurse.", True),
        ("She reports to Jamal Washington.", True),
        ("Dear Jamal, thank you for your application.", False),
        ("The applicant, Jamal Washington, met her manager.", False),
        ("Manager Jamal Washington applied.", False),
        ("Jamal Washington is the manager.", False),
        ("His mother, Maria Garcia, is a nurse.", False),
    ],
)
def test_whose_name_it_is(text: str, other: bool) -> None:
    names = [m for m in read(text, NAME).mentions if m.row.kind in ("name", "word name", "surname")]
    assert names
    assert {mention.other for mention in names} == {other}
    assert bool(leanfair.vary(text, "race")[0].unread) is not other


def test_a_table_s_group_does_not_make_a_relative_s_value_the_person_s() -> None:
    rows = [{"race": "White", "text": "Her mother is Black.", "y": "yes"}] * 10
    rows += [{"race": "Black", "text": "He is Black.", "y": "yes"}] * 10
    judge = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{text}", ["yes", "no"])
    found = leanfair.audit(
        judge, rows, group="race", favourable="yes", attribute="race", bootstrap=100
    )
    coverage = found.summary["coverage"]
    assert coverage is not None
    assert (coverage["varied"], coverage["unclear"]) == (20, 10)
