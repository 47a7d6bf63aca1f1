"""What is protected in a text is never read, whatever it says."""

from __future__ import annotations

import pytest

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.reading import read
from tests.support.mentions import told


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
