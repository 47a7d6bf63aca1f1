"""Whether a number is somebody's age: aged 34, a 34-year-old, John, 34, said; in her thirties."""

from __future__ import annotations

import re

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.lexicon.words import either
from leanfair.fairness.mentions.adjectives import in_record, names_person, subject_of
from leanfair.fairness.mentions.parsed_text import ParsedText

_NEAR = 40
_BEFORE = re.compile(r"\b(?:aged?|ages|turned|turning|age of|now)[:\s]\s*$", re.IGNORECASE)
_AFTER = re.compile(
    r"(?:\s?-\s?|\s)?(?:(?:years?|yrs?\.?)[\s-]olds?|years? of age|yo\b|y/o\b|y\.\s?o\.?)",
    re.IGNORECASE,
)
_POSSESSED = re.compile(
    r"\b(?:his|her|their|my|your|our)\s+(?:(?:early|mid|late|upper|lower)[-\s])?$", re.IGNORECASE
)
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?$", re.IGNORECASE
)
_NOT_AN_AGE_BEFORE = re.compile(r"(?:[\d$€£.#/]|\d,)$")
_NOT_AN_AGE_AFTER = re.compile(r"\s?(?:%|[.,:/]\d)")
_ABOUT = frozenset(
    ["over", "under", "about", "around", "nearly", "almost", "approximately", "past"]
)
_CLOSERS = frozenset(
    [",", ".", ";", ")", "!", "?", "and", "but", "or", "with", "who", "from", "when", "because"]
).union(["at", "while", "now", "today", "in", "on", "last", "this", "next"])


def is_age(parsed: ParsedText, found: Candidate) -> bool:
    """Whether the number found is an age, by the words around it."""
    end = parsed.tokens.ends[found.stop - 1]
    before = parsed.seen_before(found.start, _NEAR)
    after = parsed.seen_after(found.stop - 1, _NEAR)
    if _NOT_AN_AGE_BEFORE.search(before) or _NOT_AN_AGE_AFTER.match(after):
        return False
    unit = _AFTER.match(after)
    if unit is not None:
        return _is_said_of_person(parsed, found, end + unit.end())
    if in_record(parsed, found):
        return True
    if not _is_closed(parsed, found.stop):
        return False
    verb = found.start - 1
    while parsed.word(verb) in either(parsed.english.adverbs, _ABOUT):
        verb -= 1
    if _BEFORE.search(before) or subject_of(parsed, verb) is not None or _opens(parsed, found):
        return True
    return _in_apposition(parsed, found, before)


def _is_said_of_person(parsed: ParsedText, found: Candidate, end: int) -> bool:
    """34 years old, said of a person: not of a house, and not in a 40-year-old bridge."""
    verb = found.start - 1
    while parsed.word(verb) in either(parsed.english.adverbs, _ABOUT):
        verb -= 1
    if parsed.word(verb) in parsed.english.copulas:
        return subject_of(parsed, verb) is not None
    i = next(
        (k for k in range(found.stop, len(parsed)) if parsed.tokens.starts[k] >= end), len(parsed)
    )
    named = parsed.english.names["titles"] | parsed.english.first_names
    if parsed.is_capitalised(i) and parsed.word(i) in named:
        return True
    return names_person(parsed, i) or parsed.ends_clause(i) or _is_verb(parsed, i)


def _is_verb(parsed: ParsedText, i: int) -> bool:
    return parsed.word(i).endswith("ed") or parsed.word(i) in parsed.english.names["doing"]


def _is_closed(parsed: ParsedText, stop: int) -> bool:
    i = parsed.after(stop)
    return i >= len(parsed) or parsed.new_line(i) or parsed.word(i) in _CLOSERS


def _opens(parsed: ParsedText, found: Candidate) -> bool:
    """At 25, he bought a house."""
    follows = parsed.word(found.stop) == "," and parsed.word(found.stop + 1)
    return parsed.word(found.start - 1) == "at" and follows in parsed.english.subjects


def _in_apposition(parsed: ParsedText, found: Candidate, before: str) -> bool:
    """John, 34, said; the applicant (34); but not: May 5, 34 people."""
    near, closer = found.start - 2, parsed.word(found.stop)
    if parsed.word(found.start - 1) not in (",", "(") or closer not in (",", ")", "."):
        return False
    if closer == ".":
        return parsed.is_person(near)
    if _MONTH.search(before.rstrip(" ,(")):
        return False
    return parsed.is_person(near) or parsed.is_capitalised(near)


def is_decade(parsed: ParsedText, found: Candidate) -> bool:
    """Whether a decade is one of life: in her early thirties, but not: in the thirties."""
    before = parsed.seen_before(found.start, _NEAR)
    return _POSSESSED.search(before) is not None
