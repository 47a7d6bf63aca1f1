"""Every nationality is varied in one family, from which the same set comes back."""

from __future__ import annotations

import random

import pytest

import leanfair
from leanfair.fairness.lexicon.files import read_nations
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.types import Item

FAMILIES = read_nations()
NATIONS = [nation for family in FAMILIES for nation in family]
DRAWN = random.Random(9).sample(NATIONS, 25)


def test_the_first_family_is_that_of_the_lexicon_s_own_values() -> None:
    base = load_attribute("nationality")
    assert tuple(adjective.lower() for adjective, _, _ in FAMILIES[0]) == base.axes[0]


def test_no_people_and_no_country_stands_twice() -> None:
    for k in range(3):
        assert len({nation[k] for nation in NATIONS}) == len(NATIONS)


def test_the_families_share_the_values_out() -> None:
    wider = load_attribute("nationality").wider
    assert wider is not None
    assert [i for family in wider.families for i in family] == list(range(len(NATIONS)))
    assert all(len(family) >= 7 for family in wider.families)


@pytest.mark.parametrize("nation", DRAWN, ids=lambda nation: str(nation[0]))
def test_each_nationality_is_varied_within_its_family(nation: tuple[str, str, str]) -> None:
    adjective, country, noun = nation
    family = next(one for one in FAMILIES if nation in one)
    items: list[Item] = [
        f"A {adjective} applicant, born in {country}, called.",
        f"The applicant is a {noun}.",
        {"nationality": adjective, "note": f"She is from {country}."},
        {"country_of_birth": country.removeprefix("the ")},
    ]
    for item in items:
        found = leanfair.vary(item, "nationality")
        assert {one.value for one in found} == {name.lower() for name, _, _ in family}
        assert [one.value for one in found if one.original] == [adjective.lower()]
        full = {one.text for one in found}
        for one in found[:3]:
            assert {other.text for other in leanfair.vary(one.item, "nationality")} == full


def test_values_that_are_named_are_a_family_of_their_own() -> None:
    two = leanfair.attribute("nationality", values=["Ghanaian", "American"])
    texts = {one.text for one in leanfair.vary("A Ghanaian nurse applied.", two)}
    assert texts == {"A Ghanaian nurse applied.", "An American nurse applied."}
    judge = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{text}", ["yes", "no"])
    (decision,) = leanfair.mitigate(judge, two).decide(["A Ghanaian nurse applied."])
    assert len(decision.variations) == 2


def test_people_of_two_families_are_told() -> None:
    (alone,) = leanfair.vary("A Ghanaian man and a Mexican woman applied.", "nationality")
    assert "Ghanaian" in alone.note
