"""A number is read as an age where somebody is that old, and nowhere else."""

from __future__ import annotations

import pytest

from tests.support.mentions import told


@pytest.mark.parametrize(
    "text",
    [
        "The applicant is aged 34.",
        "A 34-year-old woman applied.",
        "John, 34, said so.",
        "At 34, he bought a house.",
        "She turned 34.",
        "She is 34 years old.",
        "Age: 34",
    ],
)
def test_an_age_is_found(text: str) -> None:
    assert [place for place in told(text, "age") if "34" in place] == ["34"]


@pytest.mark.parametrize(
    "text",
    [
        "He paid $34 for it.",
        "The share rose to 34%.",
        "It weighs 34.5 kilograms.",
        "They live at 34 Main Street.",
        "On May 5, 34 people came.",
        "The house is 34 years old.",
        "A 34-year-old bridge was closed.",
    ],
)
def test_another_number_is_none(text: str) -> None:
    assert told(text, "age") == []


def test_a_decade_is_one_of_life_after_a_possessive_only() -> None:
    assert told("She is in her early thirties.", "age") == ["thirties"]
    assert told("It was built in the thirties.", "age") == []
