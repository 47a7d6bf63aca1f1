"""Records of one table that differ in what tells nothing of the attribute are varied alike.

A table has many rows of few values. Where one field tells the attribute and every other field that
is seen tells nothing, nor may tell anything, the variations are those of that field beside the rest
as it is: they are found out once for each of its values (in the way of `vary`, on a whole record),
and what is beside it is looked at once for each of its values. A short text that comes again is
varied once. Whatever else a record holds (several fields that tell, nested values, ages, names in
two fields) goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.protected import ProtectedAttribute
from leanfair.fairness.mentions.reading import Reading
from leanfair.fairness.types import Item, Record, Variation
from leanfair.fairness.variations.codings import in_texts
from leanfair.fairness.variations.leaves import Leaf
from leanfair.fairness.variations.names.joined import joined_names
from leanfair.fairness.variations.names.telling import addresses, names_of
from leanfair.fairness.variations.parts import chosen_for_record
from leanfair.fairness.variations.records import (
    Reads,
    is_plain_number,
    named_like,
    named_part,
    numbers_tell_nothing,
    other_part,
)
from leanfair.fairness.variations.writing import Part

Vary: TypeAlias = Callable[[Item], tuple[Variation, ...]]
_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOST = 1 << 14
"""Values, and ways to vary, that are remembered; then all are forgotten."""
_LONGEST = 200
"""Characters of the longest value that is remembered."""


@dataclass(frozen=True)
class _Plan:
    """How the records with some fields are looked at. `main`: the field that tells the attribute;
    `others`: those besides that are seen; `numbered`: those of them in which no number can tell
    anything."""

    main: str
    others: tuple[str, ...]
    numbered: frozenset[str]
    reads: Reads
    coded: Attribute


@dataclass(frozen=True)
class _Made:
    """One variation of any record with that value in its main field: the value there, and what the
    variation says of itself, with spans counted from where the value starts."""

    new: Any
    value: str
    spans: tuple[tuple[int, int], ...]
    original: bool
    note: str
    unread: tuple[str, ...]
    clear: bool


class Alike:
    """Varies the records of a table by what is known of others. `seen`: the fields that a model is
    shown, None for all. `vary`: the long way."""

    def __init__(
        self, attribute: ProtectedAttribute, seen: Sequence[str] | None, vary: Vary
    ) -> None:
        self._one, self._seen, self._vary = attribute, seen, vary
        self._plans: dict[tuple[str, ...], _Plan | None] = {}
        self._silent: dict[tuple[Any, ...], bool] = {}
        self._texts: dict[str, tuple[Variation, ...]] = {}
        self._ways: dict[tuple[Any, ...], tuple[_Made, ...] | None] = {}

    def variations(self, item: Item) -> tuple[Variation, ...]:
        """As `variations_of` has them."""
        found = self._known(item) if type(item) is dict else None
        if found is None and type(item) is str:
            found = self._texts.get(item)
            if found is None:
                found = self._vary(item)
                self._remember(self._texts, item, item, found)
        return self._vary(item) if found is None else found

    def _known(self, record: Record) -> tuple[Variation, ...] | None:
        names = tuple(record)
        if names not in self._plans:
            self._plans[names] = self._plan(record)
        plan = self._plans[names]
        if plan is None or any(type(value) not in _PLAIN for value in record.values()):
            return None
        if type(record[plan.main]) is float:
            return None  # 0.0 and -0.0 are one key and two texts
        if not all(self._is_silent(names, name, record[name], plan) for name in plan.others):
            return None
        main = record[plan.main]
        key = (names, type(main), main)
        if key in self._ways:
            way = self._ways[key]
        else:
            way = self._way(record, plan)
            self._remember(self._ways, key, main, way)
        return None if way is None else _applied(way, record, plan.main)

    def _plan(self, record: Record) -> _Plan | None:
        """How records of these fields are looked at, None where all go the long way."""
        one, names = self._one, list(record)
        if one.field is not None or len(one.lexicon.axes) > 1 or one.names == "keep":
            return None
        if any(not isinstance(name, str) for name in names):
            return None
        coded, _ = chosen_for_record(record, one.lexicon, one.values)
        main = {leaf.path[0] for leaf in named_like(record, one.lexicon)}
        if len(main) != 1 or coded.tells_age or one.lexicon.tells_age:
            return None
        reads = Reads(one.lexicon, coded, in_texts(one.lexicon, coded), one.protect)
        fields = [Leaf((name,), "").name for name in names]
        if joined_names(fields, reads.texts or coded).places:
            return None
        [name] = main
        others = [n for n in names if n != name and (self._seen is None or n in self._seen)]
        numbered = frozenset(n for n in others if numbers_tell_nothing(str(n), reads))
        return _Plan(str(name), tuple(others), numbered, reads, coded)

    def _is_silent(self, names: tuple[str, ...], name: str, value: Any, plan: _Plan) -> bool:
        """Whether a value of another field tells nothing, nor may tell anything."""
        if name in plan.numbered and is_plain_number(value):
            return True
        key = (names, name, type(value), value)
        known = self._silent.get(key)
        if known is None:
            known = self._tells_nothing(other_part(Leaf((name,), value), plan.reads))
            self._remember(self._silent, key, value, known)
        return known

    def _tells_nothing(self, part: Part | None) -> bool:
        if part is None:
            return True
        reading = part.read(part.text)
        if reading.mentions or reading.unpaired or part.doubt(part.text):
            return False
        axis = self._one.name_axis
        names = axis is not None and names_of(part, Reading(part.text), axis)
        return not names and not any(addresses(part.text))

    def _way(self, record: Record, plan: _Plan) -> tuple[_Made, ...] | None:
        """How records are varied that have this value in the main field; None for the long way."""
        leaf = Leaf((plan.main,), record[plan.main])
        part = named_part(leaf, plan.reads)
        if part.read(part.text).unpaired:
            return None  # values of a wider lexicon, by which the other fields are read too
        start = _start(record, plan.main)
        found = self._vary(record)
        if len(found) < 2:
            return None  # why it comes back alone may lie in fields that are not seen
        made = []
        for one in found:
            assert isinstance(one.record, Mapping)
            new = one.record[plan.main]
            stop = start + len(str(new))
            if any(a < start or b > stop for a, b in one.spans):
                return None
            spans = tuple((a - start, b - start) for a, b in one.spans)
            made.append(_Made(new, one.value, spans, one.original, one.note, one.unread, one.clear))
        return tuple(made)

    @staticmethod
    def _remember(known: dict[Any, Any], key: Any, value: Any, found: Any) -> None:
        if isinstance(value, str) and len(value) > _LONGEST:
            return
        if value != value:  # NaN, which is not found again
            return
        if len(known) >= _MOST:
            known.clear()
        known[key] = found


def _start(record: Record, main: str) -> int:
    """Where the value of a field starts in the record as it is shown."""
    start = 0
    for name, value in record.items():
        if name == main:
            return start + len(f"{name}: ")
        start += len(f"{name}: {value}\n")
    return start


def _applied(way: tuple[_Made, ...], record: Record, main: str) -> tuple[Variation, ...]:
    lines = [f"{name}: {value}" for name, value in record.items()]
    place = list(record).index(main)
    start = sum(map(len, lines[:place])) + place + len(main) + 2
    found = []
    for one in way:
        lines[place] = f"{main}: {one.new}"
        found.append(
            Variation(
                one.value,
                "\n".join(lines),
                tuple((start + a, start + b) for a, b in one.spans),
                one.original,
                record if one.original else {**record, main: one.new},
                one.note,
                one.unread,
                one.clear,
            )
        )
    return tuple(found)
