"""An adjective tells the attribute where it is said of a person."""

from __future__ import annotations

import pytest

from tests.support.mentions import told


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A Black man applied.", "Black"),
        ("Two Black and experienced engineers applied.", "Black"),
        ("The applicant is Black.", "Black"),
        ("Race: Black", "Black"),
        ("The white voters came.", "white"),
    ],
)
def test_said_of_a_person_it_is_found(text: str, place: str) -> None:
    assert told(text, "race") == [place]


@pytest.mark.parametrize(
    "text",
    [
        "A black car stood there.",
        "The wall is white.",
        "A white paper on black holes.",
        "It is black.",
    ],
)
def test_said_of_a_thing_it_is_not(text: str) -> None:
    assert told(text, "race") == []
