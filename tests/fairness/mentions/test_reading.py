"""The places that tell an attribute, with all that it takes to write another value there."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute
from leanfair.fairness.mentions.reading import read

WORDS = st.sampled_from(
    ["A", "an", "Black", "white", "Asian", "man", "women", "she", "his", "her", "John", "Mr.",
     "Smith", "is", "34", "years", "old", ",", "and", "the", "engineer", "\n", "’s", "'"]
)  # fmt: skip


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@given(words=st.lists(WORDS, max_size=14))
def test_written_as_itself_a_mention_is_what_stands_there(attribute: str, words: list[str]) -> None:
    text = " ".join(words)
    found = read(text, load_attribute(attribute)).mentions
    for mention in found:
        assert mention.written(mention.cell) == text[mention.start : mention.stop]
        if mention.article is not None:
            written = text[mention.article.start : mention.article.stop]
            assert mention.article_for(mention.cell) == written
            assert mention.article.stop <= mention.start
    for one, other in pairwise(found):
        assert one.stop <= other.start


def test_a_possessive_belongs_to_its_noun_and_keeps_its_apostrophe() -> None:
    gender = load_attribute("gender")
    text = "The waitress’s shift was longer than the ladies' own."
    found = [text[m.start : m.stop] for m in read(text, gender).mentions]
    assert found == ["waitress’s", "ladies'"]


def test_a_surname_that_is_repeated_alone_is_read_too() -> None:
    name = load_attribute("name")
    first = next(iter(row for row in name.rows if row.kind == "name")).cells
    person = next(iter(next(iter(first.values())).values()))
    surname = next(row for row in name.rows if row.kind == "surname")
    last = next(iter(next(iter(surname.cells.values())).values()))
    text = f"{person} {last} applied. We met {last} on Monday, in the town of {last}."
    found = [text[m.start : m.stop] for m in read(text, name).mentions]
    assert found.count(last) == 2
    assert read(f"We met {last} on Monday.", name).mentions == ()
