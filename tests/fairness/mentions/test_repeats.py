"""Who is named once is found again: alone, as an initial, in an address."""

from __future__ import annotations

import time

import pytest

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.reading import read
from leanfair.fairness.variations.vary import vary
from tests.support.mentions import told

NAMED = [
    ("Emily Clark. Emily led the team.", ["Emily", "Emily"]),
    ("EMILY CLARK\n123 Main St.\nEmily led", ["EMILY", "Emily"]),
    ("Lakisha Washington came. Washington was polite.", ["Lakisha", "Washington", "Washington"]),
    ("Emily R. Clark came. E. Clark left.", ["Emily", "E"]),
    ("Robert Smith and Carol Jones applied. Carol leads.", ["Robert", "Carol", "Carol"]),
    ("Emily Clark, emily.clark@example.com", ["Emily", "emily"]),
    ("Emily Clark, eclark@example.com", ["Emily", "e"]),
    ("Emily Clark, emilyclark1@example.com", ["Emily", "emily"]),
    ("Emily Clark, Emily.Clark@example.com", ["Emily", "Emily"]),
    ("José García, jose.garcia@x.es", ["José", "García", "jose", "garcia"]),
    ("Jamal Olson, linkedin.com/in/jamal-olson", ["Jamal", "Olson", "jamal", "olson"]),
    ("Emily Clark wrote to info@example.com", ["Emily"]),
    ("Jamal Washington came from Washington.", ["Jamal", "Washington"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), NAMED)
def test_a_name_is_found_wherever_it_is_told_again(text: str, wanted: list[str]) -> None:
    assert told(text, "name") == wanted


@pytest.mark.parametrize("text", [text for text, _ in NAMED])
def test_every_part_of_a_name_changes_with_it(text: str) -> None:
    found = vary(text, "name")
    assert len(found) == 8
    for variation in found:
        assert {one.text for one in vary(variation.text, "name")} == {one.text for one in found}


def test_an_address_takes_the_plain_letters_of_a_name() -> None:
    found = {v.value: v.text for v in vary("Emily Clark, emily.clark@x.com", "name")}
    assert found["black female"] == "Tamika Clark, tamika.clark@x.com"
    spanish = {v.text for v in vary("Jamal O'Brien <jamal@x.org>", "name")}
    assert "Geoffrey N'Diaye <geoffrey@x.org>" not in spanish


def test_an_address_that_says_a_name_in_its_own_way_is_told() -> None:
    text = "Emily Clark, xxemilyxx@example.com"
    assert len(vary(text, "name")) == 1
    assert "emily" in vary(text, "name")[0].note


@pytest.mark.real  # timed, so not for every change
def test_reading_many_names_and_addresses_takes_time_in_proportion() -> None:
    def seconds(n: int, turn: int) -> float:
        lines = [f"Emily Clark{i % 7}, emily.clark{i}@example.com, E. Clark." for i in range(n)]
        text = "\n".join([str(turn), *lines])
        start = time.process_time()
        read(text, load_attribute("name"))
        return time.process_time() - start

    seconds(10, 0)
    few, many = (min(seconds(n, turn) for turn in range(3)) for n in (100, 800))
    assert many < 30 * max(few, 0.005)
