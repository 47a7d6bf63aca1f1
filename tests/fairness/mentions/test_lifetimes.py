"""Ages as people write them: bands, births, and what contradicts a younger age."""

from __future__ import annotations

import pytest

from leanfair.fairness.types import Item
from leanfair.fairness.variations.vary import vary

TURNED: list[tuple[Item, list[str]]] = [
    ("She was born in 1961.", ["She was born in 1981.", "She was born in 2001."]),
    ("DOB: 03/04/1961", ["DOB: 03/04/1981", "DOB: 03/04/2001"]),
    ("She is 62, born in 1961.", ["She is 42, born in 1981.", "She is 22, born in 2001."]),
    ("He is between 30 and 40 years old.", ["He is between 50 and 60 years old.",
                                            "He is between 70 and 80 years old."]),
    ("Age group: 25-34", ["Age group: 45-54", "Age group: 65-74"]),
    ("They are 25-34 years old.", ["They are 45-54 years old.", "They are 65-74 years old."]),
    ("She is sixty two.", ["She is forty two.", "She is twenty two."]),
    ("62 y.o. female", ["42 y.o. female", "22 y.o. female"]),
    ("She is over 60.", ["She is over 40.", "She is over 20."]),
    ({"age": 62, "birth_year": 1961}, ["age: 42\nbirth_year: 1981", "age: 22\nbirth_year: 2001"]),
    ({"age": "62", "dob": "1961-03-04"}, ["age: 42\ndob: 1981-03-04", "age: 22\ndob: 2001-03-04"]),
    ({"age_group": "45-54"}, ["age_group: 25-34", "age_group: 65-74"]),
]  # fmt: skip


@pytest.mark.parametrize(("item", "others"), TURNED)
def test_what_goes_with_an_age_moves_with_it(item: Item, others: list[str]) -> None:
    found = vary(item, "age")
    assert sorted(v.text for v in found if not v.original) == sorted(others)
    for variation in found:
        again = vary(variation.item, "age")
        assert {v.text for v in again} == {v.text for v in found}


@pytest.mark.parametrize(
    ("item", "word"),
    [
        ("A 62-year-old with 40 years of experience applied.", "40 years of experience"),
        ("A 62-year-old who graduated in 1985.", "graduated in 1985"),
        ("She is 62 and has worked there for 30 years.", "for 30 years"),
        ("He is 30 and his father is 55.", "30"),
        ("He is 17.", "17"),
        ("She is 93 years old.", "93"),
        ("She was born in 1905.", "1905"),
        ({"age": "65+"}, "65+"),
        ({"age": 62, "years_experience": 40}, "years_experience: 40"),
    ],
)
def test_what_cannot_move_with_an_age_is_told(item: Item, word: str) -> None:
    (alone,) = vary(item, "age")
    assert word in alone.note


@pytest.mark.parametrize(
    "text",
    ["The firm was founded in 1961.", "Rooms 25-34 are free.", "It costs between 30 and 40.",
     "She has 12 years of experience.", "He won 30 to 25."],
)  # fmt: skip
def test_numbers_of_other_things_tell_no_age(text: str) -> None:
    (alone,) = vary(text, "age")
    assert "does not tell" in alone.note


def test_years_of_experience_that_every_age_has_room_for_stay() -> None:
    found = vary("A 45-year-old nurse with 5 years of experience", "age")
    assert len(found) == 3
