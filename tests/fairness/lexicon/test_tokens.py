"""A text is cut into words, numbers and signs without losing its place."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.fairness.lexicon.tokens import links, tokenise


@given(st.text(max_size=60))
def test_tokens_stand_where_they_say_and_leave_out_white_space_only(text: str) -> None:
    found = tokenise(text)
    assert [text[t.start : t.end] for t in found] == [t.text for t in found]
    assert "".join(t.text for t in found) == "".join(text.split())
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_letters_digits_and_signs_are_apart() -> None:
    found = tokenise("Élan's 34-year_old")
    assert [t.text for t in found] == ["Élan", "'", "s", "34", "-", "year", "_", "old"]
    assert [t.is_word for t in found] == [True, False, True, False, False, True, False, True]
    assert found[0].is_capitalised
    assert found[0].lower == "élan"


_WHOLE = re.compile(r"\S+@\S+\.\w+|(?:https?://|www\.)\S+|(?<!\w)@\w+|\b[\w-]+\.\w+/\S+")
_WORDS = re.compile(r"[^\W\d_]{2,}")


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(["ab", "c", "@", ".", "-", "/", " ", "_", "www.", "http://", "\n"]))
)
def test_links_are_those_that_one_slow_pattern_finds(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = {m.span() for a, b in links(text) for m in _WORDS.finditer(text, a, b)}
    wanted = {
        (link.start() + m.start(), link.start() + m.end())
        for link in _WHOLE.finditer(text)
        for m in _WORDS.finditer(link.group())
    }
    assert found == wanted
