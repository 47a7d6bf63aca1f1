"""Peoples that no lexicon of race knows, where a text says them of a person: a Nubian woman.

A word with a capital is one if the list has it or the lexicon of nationalities, or if it ends as
such words do and stands before a noun for a person. (An audit of race is told of them: they are
never varied.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.lexicon.doubts import doubts
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.lexicon.tokens import tokenise
from leanfair.fairness.mentions.adjectives import attributive, follows_name, predicative
from leanfair.fairness.mentions.parsed_text import ParsedText

_ARTICLES = frozenset({"a", "an", "the", "one", "another", "every", "any"})
_LINES = frozenset(
    ["descent", "ancestry", "heritage", "origin", "origins", "extraction", "roots", "ethnicity"]
)
_LANGUAGES = frozenset(
    ["english", "french", "spanish", "german", "italian", "chinese", "japanese", "korean"]
).union(["arabic", "russian", "portuguese", "polish", "turkish", "dutch", "greek", "persian"])
_OF_LANGUAGES = frozenset(
    ["teacher", "teachers", "tutor", "translator", "interpreter", "speaker", "speakers"]
).union(["professor", "instructor", "major", "student", "students", "lecturer", "learner"])
_OF_SPEAKING = ("speak", "spoke", "fluent", "learn", "stud", "translat", "teach", "taught", "read")
_OF_ALL = frozenset({"american", "americans"})


def unknown_peoples(parsed: ParsedText) -> Iterator[tuple[int, int]]:
    """Where such words stand, as characters of the text."""
    for i in range(len(parsed)):
        if not parsed.is_capitalised(i):
            continue
        stop = next((i + n for n in (3, 2, 1) if _is_known(parsed, i, i + n)), None)
        listed = stop is not None
        stop = i + 1 if stop is None else stop
        if not listed and not doubts().sounds_like_people(parsed.word(i)):
            continue
        if parsed.is_protected(i, stop) or i in parsed.candidates or _is_subject(parsed, i, stop):
            continue
        if _is_said_of_person(parsed, Candidate(i, stop, ()), listed):
            yield parsed.tokens[i].start, parsed.tokens[stop - 1].end


def _is_subject(parsed: ParsedText, start: int, stop: int) -> bool:
    """Whether a language is taught or spoken: an English teacher."""
    return parsed.word(start) in _LANGUAGES and parsed.word(stop) in _OF_LANGUAGES


def _is_known(parsed: ParsedText, start: int, stop: int) -> bool:
    words = parsed.words[start:stop]  # which is shorter at the end of a text
    return len(words) == stop - start and (
        words in _nations() or (len(words) == 1 and words[0] in doubts().peoples)
    )


def _is_said_of_person(parsed: ParsedText, found: Candidate, listed: bool) -> bool:
    if follows_name(parsed, found):
        return False
    before = parsed.word(parsed.before(found.start - 1))
    if parsed.word(parsed.after(found.stop)) in _LINES and before in ("of", "from", "with", "has"):
        return True
    if before in ("in", "into", "to", "from") or before.startswith(_OF_SPEAKING):
        return False
    if attributive(parsed, found) is not None:
        return True
    if not listed:
        return False
    if predicative(parsed, found) is not None:
        return True
    follower = parsed.word(parsed.after(found.stop))
    acts = follower.endswith("ed") or follower in parsed.english.names["doing"]
    return before in _ARTICLES and (acts or parsed.ends_clause(parsed.after(found.stop)))


@cache
def _nations() -> frozenset[tuple[str, ...]]:
    """The words for the people of all countries, as tokens in small letters."""
    terms = {
        term
        for row in load_attribute("nationality").rows
        if row.kind in ("adjective", "noun")
        for forms in row.cells.values()
        for term in forms.values()
    }
    found = {tuple(token.lower for token in tokenise(term)) for term in terms}
    return frozenset(words for words in found if _OF_ALL.isdisjoint(words))
