"""Names told once are told again: alone, by an initial, in an e-mail address or a link.

Whoever is named in full is named anywhere else by a part of it: "Emily Clark ... Clark was polite",
"E. Clark", "emily.clark@example.com". All of it changes with the name, or the address still tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leanfair.fairness.lexicon.attribute import NAMES, Candidate, Cell, Entry, Row
from leanfair.fairness.lexicon.grammar import plain
from leanfair.fairness.lexicon.tokens import links
from leanfair.fairness.mentions.kinds import stands_free
from leanfair.fairness.mentions.names import behind_initial, is_also_place
from leanfair.fairness.mentions.parsed_text import ParsedText

Place = tuple[Candidate, Entry]
_PIECE = re.compile(r"[^\W\d_]{2,}")
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
    known, firsts = _spelled(people), dict[str, Entry]()
    for person in people:
        firsts.setdefault(_term_plain(person.first), person.first)
    for start, stop in links(parsed.seen):
        for piece in _PIECE.finditer(parsed.seen, start, stop):
            said = _said(piece.group(), piece.start(), known, firsts)
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
        word = parsed.tokens.texts[i] if follows and last is None else ""
        yield _Person(entry, last, plain(word))


def _initials(
    parsed: ParsedText, found: Sequence[Place], people: Sequence[_Person]
) -> Iterator[Part]:
    """E. Clark, where Emily Clark is named."""
    surnames = {
        parsed.tokens.ends[candidate.stop - 1]: entry
        for candidate, entry in found
        if entry.row.kind == "surname"
    }
    known: dict[tuple[str, object], int] = {}  # initial and surname -> the first such person
    for number, person in enumerate(people):
        for last in (person.surname, person.last and id(person.last.row)):
            if last:
                known.setdefault((_term(person.first)[:1], last), number)
    for stop in [i for i, word in enumerate(parsed.words[:-1]) if word == "."]:
        token, after = parsed.tokens[stop - 1], parsed.tokens[stop + 1]
        if not stop or len(token.text) > 1 or not token.is_capitalised:
            continue
        entry = surnames.get(after.end)
        lasts = (plain(after.text), entry and id(entry.row))
        meant = [known[one] for last in lasts if last and (one := (token.text, last)) in known]
        if meant:
            first = people[min(meant)].first
            yield Part(token.start, token.end, first.row, first.cell, "initial", "as")


@dataclass(frozen=True)
class _Said:
    """What a piece of an address says of a person; `whole`: all of it can be written anew."""

    parts: tuple[Part, ...]
    whole: bool = True


def _spelled(people: Sequence[_Person]) -> dict[str, _Spelled]:
    """Every way to write one of the people in one word, by the word; the first of them has it."""
    found: dict[str, _Spelled] = {}
    for person in people:
        first, last = _term_plain(person.first), person.surname or _term_plain(person.last)
        for spelled in _spellings(first, last, person):
            found.setdefault("".join(text for text, _, _ in spelled), spelled)
    return found


def _said(
    piece: str, start: int, known: Mapping[str, _Spelled], firsts: Mapping[str, Entry]
) -> _Said:
    """emily, clark, emilyclark, eclark, clarke of Emily Clark; or a name within another word."""
    style = "Plain" if piece[:1].isupper() else "plain"
    word = plain(piece)
    if style == "plain" and not piece.islower():
        style = "odd"
    if word in known and style != "odd":
        return _Said(tuple(_placed(known[word], start, style)))
    for first, entry in firsts.items():
        if len(first) > _SHORTEST and first in word:
            at = start + word.index(first)
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
