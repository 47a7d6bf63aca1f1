"""The little English that varying needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.lexicon.grammar import article, plural, possessive, styled, styles


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("Asian", "an"), ("European", "a"), ("MIT", "an"), ("FBI", "an"), ("NASA", "a"),
        ("18", "an"), ("11", "an"), ("110", "a"), ("80-year-old", "an"), ("one", "a"),
        ("hour", "an"), ("honest", "an"), ("house", "a"), ("university", "a"), ("uncle", "an"),
        ("unimportant", "an"), ("union", "a"), ("user", "a"), ("X", "an"), ("U", "a"), ("", "a"),
    ],
)  # fmt: skip
def test_the_article_follows_the_sound(word: str, right: str) -> None:
    assert article(word) == right


@pytest.mark.parametrize(
    ("one", "many"),
    [("girl", "girls"), ("lady", "ladies"), ("boy", "boys"), ("waitress", "waitresses"),
     ("witch", "witches")],
)  # fmt: skip
def test_plurals_and_their_possessives(one: str, many: str) -> None:
    assert plural(one) == many
    assert possessive(one, many=False) == "'s"
    assert possessive(many, many=True) == "'"
    assert possessive("women", many=True) == "'s"


@given(st.text("abzABZ ", min_size=1, max_size=9))
def test_every_style_writes_what_it_says_and_no_spelling_has_two(term: str) -> None:
    written = styles(term)
    assert written["as"] == term
    assert len(set(written.values())) == len(written)
    for style, spelling in written.items():
        assert spelling == styled(term, style)
        assert spelling.lower() == term.lower()
    assert styles(term, fixed=True) == {"as": term}
