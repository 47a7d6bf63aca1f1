"""What is protected in a text is never read, whatever it says."""

from __future__ import annotations

import time

import pytest

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.parsed_text import ParsedText
from leanfair.fairness.mentions.reading import read
from leanfair.fairness.variations.vary import vary
from tests.support.mentions import told
from tests.support.work import steps


@pytest.mark.parametrize(
    "opaque",
    ["https://black.men/white", "www.black-men.org", "him@her.com", "@blackman", "#BlackMen",
     "black_man", "blackman.com"],
)  # fmt: skip
def test_addresses_tags_and_identifiers_are_left_alone(opaque: str) -> None:
    for attribute in ("race", "gender"):
        assert told(f"We read {opaque} today.", attribute) == []


def test_a_phrase_is_protected_in_its_own_capitals_or_where_small_in_any() -> None:
    race = load_attribute("race")
    text = "The Black men came, and the black men went."

    def places(*protect: str) -> list[int]:
        return [mention.start for mention in read(text, race, protect).mentions]

    assert len(places()) == 2
    assert places("Black men") == [text.index("black")]
    assert places("black men") == []


SHAPES = (
    "a", "中", "-", "'", '"', ". ", "@", "a@", "a_", ".com", "black ", "Black-", "the Blacks' ",
    "e\u0301", "([{<", '{"race": "Black", "age": 34}, ', "Mr. ", "HE IS A BLACK MAN. ", "3", "<",
    "```", "[a](b) ", "|a|b|\n", "The landlord, who is white, came. ", "Dear Emily Walsh, ",
)  # fmt: skip


@pytest.mark.parametrize("attribute", ["race", "gender"])
@pytest.mark.parametrize("unit", SHAPES)
def test_reading_takes_steps_in_proportion_to_the_length_of_a_text(
    unit: str, attribute: str
) -> None:
    def counted(size: int) -> int:
        text = unit * (size // len(unit)) + " x. He is a Black man."
        return steps(lambda: vary(text, attribute))

    counted(60)
    assert counted(600) < 6 * counted(150) + 10_000


@pytest.mark.real  # timed, so not for every change
@pytest.mark.parametrize("unit", SHAPES)
def test_reading_time_is_linear_in_the_length_of_a_text(unit: str) -> None:
    """Eight times the text takes far less than 64 times as long, as a square would."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit)) + " x. He is a Black man."
        began = time.process_time()
        vary(text, "race")
        return time.process_time() - began

    vary("a Black man", "race")
    short, long = seconds(1_500), seconds(12_000)
    assert long < 32 * max(short, 0.02)


def test_mail_addresses_are_not_touched_in_any_chunk() -> None:
    text = "(mail black@white.org, a@black.org). @black black@ x.org@black a@b.c@black.com!"
    parsed = ParsedText(text, load_attribute("race"))
    free = [
        token.text for i, token in enumerate(parsed.tokens) if not parsed.is_protected(i, i + 1)
    ]
    assert [word for word in free if word == "black"] == ["black", "black"]
