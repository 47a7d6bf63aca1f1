"""Names that tell race, in an item that is varied by race, and that do not change with it.

A name tells a race where it stands in the tables of names with one (`names.tsv` says by which
thresholds): other names are passed over. So are those of somebody else than the person decided
about, such as a manager.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from leanfair.fairness.lexicon.attribute import NAMES, Row
from leanfair.fairness.lexicon.grammar import plain
from leanfair.fairness.lexicon.rows.name_rows import common_surnames
from leanfair.fairness.lexicon.with_names import people_names
from leanfair.fairness.mentions.doubts import doubtful
from leanfair.fairness.mentions.names import suspects
from leanfair.fairness.mentions.parsed_text import ParsedText
from leanfair.fairness.mentions.reading import Reading, read
from leanfair.fairness.variations.names.fields import is_of_somebody_else, kind_of
from leanfair.fairness.variations.writing import Part

_ADDRESS = re.compile(
    r"[\w.+-]{1,64}@[\w-]+\.[\w.]+|https?://\S+|www\.\S+|(?<!\w)@\w+"
    r"|\b[\w-]+\.(?:com|org|net|io|me)/\S+"
)
_UNSPACED = re.compile(r"\S+")
_SIGNS = ("@", "://", "www.", ".com/", ".org/", ".net/", ".io/", ".me/")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FIRST_NAMES = frozenset({"name", "word name"})
_SURNAMES = frozenset({"surname"})
_SHORTEST, _LONGEST = 4, 60
_BEHIND_INITIAL = re.compile(r"(?<![\w.])[A-Z]\. ?([A-Z][\w'’-]{1,60})")
_OF_FAMILY = re.compile(r"\b([A-Z][\w'’-]{1,60}) (?:family|household|residence)\b")
_CAPITAL_BEHIND = re.compile(r" [A-Z]")
_FEW = 4
"""From so many words on, what stands within a run of capitals is a heading: Use of Credit Card."""


def names_of(part: Part, reading: Reading, axis: int) -> list[str]:
    """The names in a part that tell a value on an axis of the lexicon of names (0 race, 1 gender)
    and are not among what was read of the part."""
    if part.named:
        return []
    field = "" if part.leaf is None else part.leaf.name
    if is_of_somebody_else(field):
        return []
    places = [reading.text[start:stop] for start, stop in reading.places]
    return [
        name
        for name in names_in(reading.text, axis, part.protect, field)
        if name not in places and not (_ADDRESS.match(name) and any(p in name for p in places))
    ]


def names_in(
    text: str, axis: int = 0, protect: Sequence[str] = (), field: str = ""
) -> tuple[str, ...]:
    """The names in a text, or in the content of the field of that name, that tell race (or, on axis
    1, gender)."""
    kind = kind_of(field)
    found: dict[str, None] = {}
    if kind == "first":
        found.update(dict.fromkeys(_listed(text, _FIRST_NAMES, axis)))
    elif kind == "last":
        found.update(dict.fromkeys(_listed(text, _SURNAMES, axis)))
    elif kind == "address":
        found.update(dict.fromkeys([text.strip()] if _address_tells(text, axis) else []))
    else:
        whole = kind == "whole" and text.islower()
        shown = text.title() if whole else text
        found.update(dict.fromkeys(text[a:b] for a, b in _spoken(shown, axis, tuple(protect))))
    written = [one.group().rstrip(".") for one in addresses(text)]
    found.update(dict.fromkeys(one for one in written if _address_tells(one, axis)))
    return tuple(found)


def addresses(text: str) -> Iterator[re.Match[str]]:
    """The e-mail and web addresses and the handles in a text. (Tried from every letter of a long
    text, the pattern is slow.)"""
    signs = [sign for sign in _SIGNS if sign in text]
    for chunk in _UNSPACED.finditer(text) if signs else ():
        if any(sign in chunk.group() for sign in signs):
            yield from _ADDRESS.finditer(text, *chunk.span())


@lru_cache(maxsize=4096)
def _spoken(text: str, axis: int, protect: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Where names stand in a text that tell a value, as sentences have them."""
    names = people_names()
    reading = read(text, names, protect)
    others = [(m.start, m.stop) for m in reading.mentions if m.other]
    told = [
        (m.start, m.stop)
        for m in reading.mentions
        if m.row.kind in NAMES and axis in m.row.axes and not m.other
    ]
    few = len(text.split()) < _FEW
    unread = (*reading.unpaired, *doubtful(text, names, protect), *_behind_unknown(text, protect))
    told += [
        (a, b)
        for a, b in unread
        if _is_listed(text[a:b], NAMES, axis)
        and (few or not _CAPITAL_BEHIND.match(text, b))
        and not any(c <= b + 1 and a <= d + 1 for c, d in others)
    ]
    return tuple(sorted(set(told)))


def _behind_unknown(text: str, protect: tuple[str, ...]) -> list[tuple[int, int]]:
    """Surnames behind a first name that no list has, or behind an initial, and those of families:
    Chen of Xiaomu Chen, J. Washington, the Garcia family."""
    parsed = ParsedText(text, people_names(), protect)
    found = [
        (parsed.tokens[one.start].start, parsed.tokens[one.stop - 1].end)
        for one in suspects(parsed)
    ]
    for pattern in (_BEHIND_INITIAL, _OF_FAMILY):
        found += [match.span(1) for match in pattern.finditer(text)]
    return found


def _listed(text: str, kinds: frozenset[str], axis: int) -> Iterator[str]:
    """Of a field of names the whole, or else each word, that is a name of one of these kinds."""
    if _is_listed(text.strip(), kinds, axis):
        yield text.strip()
        return
    yield from (word for word in _WORD.findall(text) if _is_listed(word, kinds, axis))


def _is_listed(written: str, kinds: frozenset[str], axis: int) -> bool:
    spelled = written.title() if written.islower() else written
    entries = people_names().surfaces.get(spelled, ())
    return any(entry.row.kind in kinds and _tells(entry.row, axis) for entry in entries)


def _tells(row: Row, axis: int) -> bool:
    """Whether the names of a row tell a value on an axis; surnames that stand alone tell a race."""
    return axis in row.axes or (not row.paired and axis == 0)


# ---- addresses ---------------------------------------------------------------------------------


def _address_tells(address: str, axis: int) -> bool:
    """Whether a name that tells race stands in an address as a word of its own, behind or before
    an initial, or joined to another name: jamal.washington@, jwashington@, lakishajones@."""
    local = address.partition("@")[0] or address
    if "/" in address:  # what stands behind the host
        local = re.sub(r"^(?:\w+://)?[^/]*/", "", address)
    return any(_word_tells(plain(word), axis) for word in re.split(r"[\W\d_]+", local) if word)


@lru_cache(maxsize=4096)
def _word_tells(word: str, axis: int) -> bool:
    telling, known = _plain_names(axis)
    if not _SHORTEST <= len(word) <= _LONGEST:
        return False
    if word in telling or (len(word) > _SHORTEST and _without_initial(word, telling)):
        return True
    halves = ((word[:i], word[i:]) for i in range(3, len(word) - 2))
    return any(a in known and b in known and (a in telling or b in telling) for a, b in halves)


def _without_initial(word: str, telling: frozenset[str]) -> bool:
    return word[1:] in telling or word[:-1] in telling


@lru_cache(maxsize=2)
def _plain_names(axis: int) -> tuple[frozenset[str], frozenset[str]]:
    """The names that tell a value, and all names of the lists: small letters, no accents."""
    rows = [row for row in people_names().rows if row.kind in NAMES]
    telling = [row for row in rows if _tells(row, axis)]
    return frozenset(_terms(telling)), frozenset(_terms(rows)) | common_surnames()


def _terms(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        for forms in row.cells.values():
            yield from (plain(term) for term in forms.values())
