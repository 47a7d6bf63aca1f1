"""Names told once are told again: alone, by an initial, in an e-mail address or a link.

Whoever is named in full is named anywhere else by a part of it: "Emily Clark ... Clark was polite",
"E. Clark", "emily.clark@example.com". All of it changes with the name, or the address still tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanfair.fairness.lexicon.attribute import NAMES, Candidate, Cell, Entry, Row
from leanfair.fairness.lexicon.grammar import plain
from leanfair.fairness.mentions.kinds import stands_free
from leanfair.fairness.mentions.names import behind_initial, is_also_place
from leanfair.fairness.mentions.parsed_text import ParsedText

Place = tuple[Candidate, Entry]
_LINK = re.compile(r"\S+@\S+\.\w+|(?:https?://|www\.)\S+|(?<!\w)@\w+|\b[\w-]+\.\w+/\S+")
_PLACED = frozenset(["in", "from", "to", "at", "near", "of"])
_SHORTEST = 3


@dataclass(frozen=True)
class Part:
    """Characters `start` to `stop` that are a name or, in the form "initial", its first letter."""

    start: int
    stop: int
    row: Row
    cell: Cell
    form: str
    style: str


@dataclass(frozen=True)
class _Person:
    """A first name and what stands behind it: a surname of the lists, or another word."""

    first: Entry
    last: Entry | None
    surname: str

    def __hash__(self) -> int:
        return hash((id(self.first.row), self.first.cell, self.surname))


def repeated(parsed: ParsedText, found: list[Place]) -> list[Place]:
    """`found`, and the places where one of its names stands again on its own."""
    names = [entry for _, entry in found if entry.row.kind in NAMES and entry.row.paired]
    if not names:
        return found
    known = {(id(entry.row), entry.cell) for entry in names}
    taken = {i for candidate, _ in found for i in range(candidate.start, candidate.stop)}
    more = [
        (candidate, entry)
        for i, candidates in parsed.candidates.items()
        if i not in taken and parsed.is_capitalised(i)
        for candidate in candidates[:1]
        if stands_free(parsed, candidate)
        for entry in [e for e in candidate.entries if (id(e.row), e.cell) in known][:1]
        if not _names_a_place(parsed, candidate, entry)
    ]
    return sorted([*found, *more], key=lambda place: place[0].start)


def _names_a_place(parsed: ParsedText, found: Candidate, entry: Entry) -> bool:
    """from Washington; Clark Street; Austin, Texas"""
    place = entry.row.kind == "surname" or is_also_place(parsed, found)
    if place and parsed.word(found.start - 1) in _PLACED:
        return True
    if entry.row.kind == "surname":
        after = parsed.word(found.stop)
        return parsed.one_space(found.stop) and after in parsed.english.names["places"]
    behind = parsed.is_capitalised(found.stop) and parsed.one_space(found.stop)
    before = parsed.is_capitalised(found.start - 1) and parsed.one_space(found.start)
    return behind or before


def parts_elsewhere(parsed: ParsedText, found: Sequence[Place]) -> tuple[list[Part], list[Part]]:
    """Parts of the names found that stand as initials and in addresses; and those in addresses
    that say a name in a way that cannot be written for another."""
    people = list(dict.fromkeys(_people(parsed, found)))
    if not people:
        return [], []
    parts = list(_initials(parsed, found, people))
    stuck: list[Part] = []
    for link in _LINK.finditer(parsed.seen):
        for piece in re.finditer(r"[^\W\d_]{2,}", link.group()):
            said = _said(piece.group(), link.start() + piece.start(), people)
            (parts if said.whole else stuck).extend(said.parts)
    return sorted(parts, key=lambda part: part.start), stuck


def _people(parsed: ParsedText, found: Sequence[Place]) -> Iterator[_Person]:
    at = {candidate.start: entry for candidate, entry in found if entry.row.paired}
    for candidate, entry in found:
        if entry.row.kind not in ("name", "word name"):
            continue
        i = behind_initial(parsed, candidate.stop)
        follows = parsed.is_capitalised(i) and parsed.one_space(i)
        last = at.get(i) if follows else None
        if last is not None and last.row.kind != "surname":
            last = None
        word = parsed.tokens[i].text if follows and last is None else ""
        yield _Person(entry, last, plain(word))


def _initials(
    parsed: ParsedText, found: Sequence[Place], people: Sequence[_Person]
) -> Iterator[Part]:
    """E. Clark, where Emily Clark is named."""
    surnames = {
        parsed.tokens[candidate.stop - 1].end: entry
        for candidate, entry in found
        if entry.row.kind == "surname"
    }
    for i, token in enumerate(parsed.tokens[:-2]):
        if len(token.text) > 1 or not token.is_capitalised or parsed.word(i + 1) != ".":
            continue
        after = parsed.tokens[i + 2]
        for person in people:
            last = surnames.get(after.end)
            same = last is not None and person.last is not None and last.row is person.last.row
            same = same or (bool(person.surname) and plain(after.text) == person.surname)
            if same and _term(person.first)[:1] == token.text:
                first = person.first
                yield Part(token.start, token.end, first.row, first.cell, "initial", "as")
                break


@dataclass(frozen=True)
class _Said:
    """What a piece of an address says of a person; `whole`: all of it can be written anew."""

    parts: tuple[Part, ...]
    whole: bool = True


def _said(piece: str, start: int, people: Sequence[_Person]) -> _Said:
    """emily, clark, emilyclark, eclark, clarke of Emily Clark; or a name within another word."""
    style = "Plain" if piece[:1].isupper() else "plain"
    word = plain(piece)
    if style == "plain" and not piece.islower():
        style = "odd"
    for person in people:
        first, last = _term_plain(person.first), person.surname or _term_plain(person.last)
        for spelled in _spellings(first, last, person):
            if "".join(text for text, _, _ in spelled) == word and style != "odd":
                return _Said(tuple(_placed(spelled, start, style)))
    for person in people:
        first = _term_plain(person.first)
        if len(first) > _SHORTEST and first in word:
            at = start + word.index(first)
            entry = person.first
            return _Said((Part(at, at + len(first), entry.row, entry.cell, "", "plain"),), False)
    return _Said(())


_Spelled = list[tuple[str, "Entry | None", str]]


def _spellings(first: str, last: str, person: _Person) -> list[_Spelled]:
    """The ways to write a person in one word: text, whose name it is, and in which form."""
    one, two = (first, person.first, ""), (last, person.last, "")
    ways: list[_Spelled] = [[one]] if len(first) >= _SHORTEST else []
    if not last:
        return ways
    initial, end = (first[:1], person.first, "initial"), (last[:1], person.last, "initial")
    ways += [[one, two], [two, one], [initial, two], [two, initial], [one, end]]
    return ways + ([[two]] if person.last is not None and len(last) >= _SHORTEST else [])


def _placed(spelled: _Spelled, start: int, style: str) -> Iterator[Part]:
    for text, entry, form in spelled:
        if entry is not None:
            yield Part(start, start + len(text), entry.row, entry.cell, form, style)
        start += len(text)
        style = "plain"


def _term(entry: Entry) -> str:
    return next(iter(entry.row.cells[entry.cell].values()))


def _term_plain(entry: Entry | None) -> str:
    return "" if entry is None else plain(_term(entry))
