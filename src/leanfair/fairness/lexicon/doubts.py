"""What may tell an attribute although no rule reads it, from `data/doubts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from leanfair.fairness.lexicon.files import read_lexicon

_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True)
class Suspicions:
    """What gives an attribute away: `fields`, names of record fields that hold it (and `not_fields`
    words with which they do not); `words`, what is written in a text."""

    fields: re.Pattern[str] = _NEVER
    not_fields: re.Pattern[str] = _NEVER
    words: re.Pattern[str] = _NEVER


@dataclass(frozen=True)
class Doubts:
    """The lists that hold for every attribute; each is described in the data file."""

    ambiguous: frozenset[str]
    things: frozenset[str]
    person_endings: re.Pattern[str]
    either: frozenset[str]
    kin: frozenset[str]
    bystanders: frozenset[str]
    decided: frozenset[str]
    leads: frozenset[str]
    peoples: frozenset[str]
    people_endings: re.Pattern[str]
    no_peoples: frozenset[str]
    person_fields: re.Pattern[str]
    title_fields: re.Pattern[str]
    other_fields: re.Pattern[str]

    def is_thing(self, word: str) -> bool:
        """Whether a word in small letters is a noun for no person."""
        return word in self.things

    def sounds_like_person(self, word: str) -> bool:
        """Whether a word in small letters ends as nouns for persons do, and is none for a thing."""
        return (
            len(word) > 4
            and word not in self.things
            and self.person_endings.search(word) is not None
        )

    def sounds_like_people(self, word: str) -> bool:
        """Whether a word in small letters, written with a capital, ends as those for the members of
        a people do, and is none for those of a place, a faith or a party."""
        return (
            len(word) > 4
            and word not in self.no_peoples
            and self.people_endings.search(word) is not None
        )


@cache
def doubts() -> Doubts:
    """The lists, read once."""
    data = read_lexicon("doubts")
    return Doubts(
        ambiguous=frozenset(data["ambiguous"].split()),
        things=frozenset(data["things"].split()),
        person_endings=re.compile(data["person_endings"] + "$"),
        either=frozenset(data["either"].split()),
        kin=frozenset(data["kin"].split()),
        bystanders=frozenset(data["bystanders"].split()),
        decided=frozenset(data["decided"].split()),
        leads=frozenset(data["leads"]),
        peoples=frozenset(data["peoples"].split()),
        people_endings=re.compile(data["people_endings"] + "$"),
        no_peoples=frozenset(data["no_peoples"].split()),
        person_fields=_whole_words([data["person_fields"]]),
        title_fields=_whole_words([data["title_fields"]]),
        other_fields=_whole_words([data["other_fields"]]),
    )


@cache
def suspicions(attribute: str) -> Suspicions:
    """What gives the attribute of that name away; nothing for an attribute of one's own."""
    found = read_lexicon("doubts")["attributes"].get(attribute)
    if found is None:
        return Suspicions()
    return Suspicions(
        fields=_whole_words([found["fields"]]),
        not_fields=_whole_words([found["not_fields"]]) if "not_fields" in found else _NEVER,
        words=_whole_words(found["words"], any_case=attribute not in ("nationality", "name")),
    )


def _whole_words(patterns: Sequence[str], any_case: bool = True) -> re.Pattern[str]:
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(rf"(?<![\w-])(?:{whole})(?![\w-])", re.IGNORECASE if any_case else 0)
