"""The word lists of `lexicons/english.yaml`, as sets of lower-case words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from leanfair.fairness.lexicon.files import read_lexicon, read_names
from leanfair.fairness.lexicon.grammar import plural


@dataclass(frozen=True)
class English:
    """Each set is described in the data file. `closing`: the words that end a description.

    `first_names` come from `name.yaml` and `names.tsv`.
    """

    people: frozenset[str]
    groups: frozenset[str]
    modifiers: frozenset[str]
    determiners: frozenset[str]
    subjects: frozenset[str]
    copulas: frozenset[str]
    adverbs: frozenset[str]
    function: frozenset[str]
    closing: frozenset[str]
    pronouns: dict[str, frozenset[str]]
    names: dict[str, frozenset[str]]
    phrases: dict[str, frozenset[str]]
    first_names: frozenset[str]


@cache
def english() -> English:
    """The lists, read once."""
    data = read_lexicon("english")
    return English(
        people=_both_numbers(data["people"]),
        groups=_both_numbers(data["groups"]),
        modifiers=_words(data["modifiers"]),
        determiners=_words(data["determiners"]),
        subjects=_words(data["subjects"]),
        copulas=_words(data["copulas"]),
        adverbs=_words(data["adverbs"]),
        function=_words(data["function"]),
        closing=_words(data["function"]) | _words(data["pronouns"]["degrees"]),
        pronouns={name: _words(text) for name, text in data["pronouns"].items()},
        names={name: _words(text) for name, text in data["names"].items()},
        phrases={name: _words(text) for name, text in data["phrases"].items()},
        first_names=_first_names(),
    )


@lru_cache(maxsize=64)
def either(*lists: frozenset[str]) -> frozenset[str]:
    """The words of any of the lists; those of the same lists are put together once."""
    return frozenset().union(*lists)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _both_numbers(text: str) -> frozenset[str]:
    found: set[str] = set()
    for entry in text.split():
        one, _, many = entry.partition("/")
        found |= {one, many or plural(one)}
    return frozenset(found)


def _first_names() -> frozenset[str]:
    data = read_lexicon("name")
    lists = [names for group in data["first"].values() for names in group.values()]
    lists += [*read_names()["first"], *read_names()["pairs"]]
    return frozenset(name.lower() for names in lists for name in names)
