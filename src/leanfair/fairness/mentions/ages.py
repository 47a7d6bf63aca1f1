"""Whether a number is somebody's age: aged 34, a 34-year-old, John, 34, said; in her thirties."""

from __future__ import annotations

import re

from leanfair.fairness.lexicon.attribute import Candidate
from leanfair.fairness.mentions.adjectives import in_record, names_person, subject_of
from leanfair.fairness.mentions.parsed_text import Scene

_NEAR = 40
_BEFORE = re.compile(r"\b(?:aged?|ages|turned|turning|age of|now)[:\s]\s*$", re.IGNORECASE)
_AFTER = re.compile(
    r"(?:\s?-\s?|\s)?(?:years?[\s-]olds?|years of age|yo\b|y/o\b|yrs?\.?\sold)", re.IGNORECASE
)
_POSSESSED = re.compile(
    r"\b(?:his|her|their|my|your|our)\s+(?:(?:early|mid|late|upper|lower)[-\s])?$", re.IGNORECASE
)
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?$", re.IGNORECASE
)
_NOT_AN_AGE_BEFORE = re.compile(r"(?:[\d$€£.#/]|\d,)$")
_NOT_AN_AGE_AFTER = re.compile(r"\s?(?:%|[.,:/]\d)")
_CLOSERS = frozenset(
    [",", ".", ";", ")", "!", "?", "and", "but", "or", "with", "who", "from", "when", "because"]
).union(["at", "while", "now", "today", "in", "on", "last", "this", "next"])


def is_age(scene: Scene, found: Candidate) -> bool:
    """Whether the number found is an age, by the words around it."""
    start, end = scene.tokens[found.start].start, scene.tokens[found.stop - 1].end
    before, after = scene.text[max(0, start - _NEAR) : start], scene.text[end : end + _NEAR]
    if _NOT_AN_AGE_BEFORE.search(before) or _NOT_AN_AGE_AFTER.match(after):
        return False
    unit = _AFTER.match(after)
    if unit is not None:
        return _is_said_of_person(scene, found, end + unit.end())
    if in_record(scene, found):
        return True
    if not _is_closed(scene, found.stop):
        return False
    verb = found.start - 1
    while scene.word(verb) in scene.english.adverbs:
        verb -= 1
    if _BEFORE.search(before) or subject_of(scene, verb) is not None or _opens(scene, found):
        return True
    return _in_apposition(scene, found, before)


def _is_said_of_person(scene: Scene, found: Candidate, end: int) -> bool:
    """34 years old, said of a person: not of a house, and not in a 40-year-old bridge."""
    verb = found.start - 1
    while scene.word(verb) in scene.english.adverbs:
        verb -= 1
    if scene.word(verb) in scene.english.copulas:
        return subject_of(scene, verb) is not None
    i = next((k for k in range(found.stop, len(scene)) if scene.tokens[k].start >= end), len(scene))
    return names_person(scene, i) or scene.ends_clause(i) or _is_verb(scene, i)


def _is_verb(scene: Scene, i: int) -> bool:
    return scene.word(i).endswith("ed") or scene.word(i) in scene.english.names["doing"]


def _is_closed(scene: Scene, stop: int) -> bool:
    i = scene.after(stop)
    return i >= len(scene) or scene.new_line(i) or scene.word(i) in _CLOSERS


def _opens(scene: Scene, found: Candidate) -> bool:
    """At 25, he bought a house."""
    follows = scene.word(found.stop) == "," and scene.word(found.stop + 1)
    return scene.word(found.start - 1) == "at" and follows in scene.english.subjects


def _in_apposition(scene: Scene, found: Candidate, before: str) -> bool:
    """John, 34, said; the applicant (34); but not: May 5, 34 people."""
    near, closer = found.start - 2, scene.word(found.stop)
    if scene.word(found.start - 1) not in (",", "(") or closer not in (",", ")", "."):
        return False
    if closer == ".":
        return scene.is_person(near)
    if _MONTH.search(before.rstrip(" ,(")):
        return False
    return scene.is_person(near) or scene.is_capitalised(near)


def is_decade(scene: Scene, found: Candidate) -> bool:
    """Whether a decade is one of life: in her early thirties, but not: in the thirties."""
    start = scene.tokens[found.start].start
    before = scene.text[max(0, start - _NEAR) : start]
    return _POSSESSED.search(before) is not None
