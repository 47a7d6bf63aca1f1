"""An item as it is varied: its parts, what each tells, and the values that take part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import NAMES, Attribute, Cell
from leanfair.fairness.lexicon.protected import ProtectedAttribute
from leanfair.fairness.lexicon.words import english
from leanfair.fairness.mentions.doubts import Taken, doubtful
from leanfair.fairness.mentions.lifetimes import is_too_long
from leanfair.fairness.mentions.reading import Reading, agreeing, read, term_of
from leanfair.fairness.types import Item, Record
from leanfair.fairness.variations.closure import Cycles, cycles_of, family_of, takes_part
from leanfair.fairness.variations.codings import (
    coding_of_fields,
    coding_of_text,
    in_texts,
    with_values,
)
from leanfair.fairness.variations.leaves import Leaf, leaves
from leanfair.fairness.variations.names.joined import JoinedNames, joined_names
from leanfair.fairness.variations.names.telling import addresses, names_of
from leanfair.fairness.variations.records import (
    Reads,
    asked_for,
    check_known,
    named_like,
    named_part,
    other_part,
    words_in,
)
from leanfair.fairness.variations.writing import Part

_WORKED = re.compile(r"experience|tenure|seniority|years of service|years (?:at|in) |job length")


@dataclass(frozen=True)
class Parts:
    """An item in parts. `readings`: what each tells. `fixed`: words that may tell the attribute
    in parts that tell nothing for sure, which are the same in all variations. `addresses`: e-mail
    and web addresses and handles in such parts. `aside`: parts that the user left
    out by naming the fields. `spoken`: the attribute as texts tell it, where the record's table
    writes it otherwise. `name_axis`: which axis of the lexicon of names tells
    the attribute besides, so that names are to be told that do not change with it; None for none.
    `told_names`: such names in parts that tell nothing else. `names_stay`: whether the user wants
    names to stay."""

    item: Item
    attribute: Attribute
    cycles: Cycles
    parts: tuple[Part, ...]
    readings: tuple[Reading, ...]
    fixed: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    aside: tuple[Part, ...] = ()
    spoken: Attribute | None = None
    told_names: tuple[str, ...] = ()
    name_axis: int | None = None
    names_stay: bool = False

    def read(self, texts: tuple[str, ...]) -> tuple[Reading, ...]:
        """What a variation tells, which has `texts` as its parts."""
        pairs = zip(self.parts, texts, strict=True)
        joined = self.names.read(texts, self.spoken or self.attribute)
        found = [
            _taking_part(joined[i] if i in joined else part.read(text), self.cycles)
            for i, (part, text) in enumerate(pairs)
        ]
        if not self.attribute.tells_age:
            return tuple(found)
        mentions = agreeing([reading.mentions for reading in found])
        return tuple(replace(r, mentions=m) for r, m in zip(found, mentions, strict=True))

    @cached_property
    def names(self) -> JoinedNames:
        """The fields that hold one name together."""
        fields = ["" if part.leaf is None else part.leaf.name for part in self.parts]
        return joined_names(fields, self.spoken or self.attribute)

    def left(self) -> tuple[str, ...]:
        """What tells the attribute and the user left out: other fields, or names."""
        found: dict[str, None] = {}
        for part in self.aside:
            reading = part.read(part.text)
            told = [*words_in(part.text, reading.places), *part.doubt(part.text)]
            if self.name_axis is not None:
                told += names_of(part, reading, self.name_axis)
            found.update(dict.fromkeys(_with_field(part, word) for word in told))
        if self.names_stay:
            found.update(dict.fromkeys(self.telling_names(self.readings)))
        return tuple(found)

    def telling_names(self, readings: Sequence[Reading]) -> list[str]:
        """The names that tell the attribute and are not among what was read."""
        axis = self.name_axis
        if axis is None:
            return []
        pairs = zip(self.parts, readings, strict=True)
        here = [_with_field(part, name) for part, r in pairs for name in names_of(part, r, axis)]
        return [*self.told_names, *here]

    def doubts(self, readings: Sequence[Reading]) -> tuple[str, ...]:
        """The words in a variation, whose parts tell `readings`, that may tell the attribute and
        that nothing read."""
        found = dict.fromkeys(self.fixed)
        texts = [reading.text for reading in readings]
        joined = self.names.doubts(texts, self.spoken or self.attribute)
        for i, (part, reading) in enumerate(zip(self.parts, readings, strict=True)):
            words = joined[i] if i in joined else part.doubt(reading.text)
            found.update(dict.fromkeys(_with_field(part, word) for word in words))
        found.update(dict.fromkeys(self._addresses_with_names(readings)))
        return tuple(found)

    def _addresses_with_names(self, readings: Sequence[Reading]) -> list[str]:
        """Addresses and handles that hold a name and do not change with it."""
        if not (self.spoken or self.attribute).has_names:
            return []
        told = {
            reading.text[m.start : m.stop].lower()
            for reading in readings
            for m in reading.mentions
            if m.row.kind in NAMES
        }
        unread = [*self.addresses, *(one for reading in readings for one in _unread_in(reading))]
        return [address for address in unread if _holds_name(address.lower(), told)]


def _unread_in(reading: Reading) -> list[str]:
    """The addresses in a text of which no part is read."""
    read = Taken(reading.places)
    return [found.group() for found in addresses(reading.text) if not read.overlaps(found.span())]


def _holds_name(address: str, told: set[str]) -> bool:
    """Whether a name stands in an address: one that is told elsewhere at any place, another of the
    lists as a word of its own."""
    words = set(re.split(r"[^a-z]+", address.partition("@")[0] or address))
    return any(len(name) > 2 and name in address for name in told) or any(
        len(word) > 2 and word in english().first_names for word in words
    )


def _with_field(part: Part, words: str) -> str:
    if part.leaf is None or words.startswith(f"{part.leaf.label}: "):
        return words
    return f"{part.leaf.label}: {words}"


def parts_of(
    item: Item, attribute: ProtectedAttribute, shown: Sequence[str] | None = None
) -> Parts:
    """An item in parts. `shown`: the fields that a model sees, None for all. Raises InputError for
    what is neither a text nor a record, and for a field whose value is none of the attribute."""
    if isinstance(item, str):
        return _of_text(item, attribute)
    if isinstance(item, Mapping):
        return _of_record(item, attribute, shown)
    raise InputError(f"an item is a text or a record (a mapping), not {type(item).__name__}")


def _taking_part(reading: Reading, cycles: Cycles) -> Reading:
    known: dict[tuple[Cell, Cell], bool] = {}
    for mention in reading.mentions:
        place = (mention.row.axes, mention.cell)
        if place not in known:
            known[place] = bool(place[0]) and takes_part(mention, cycles)
    if all(known.values()):
        return reading
    kept = tuple(m for m in reading.mentions if known[m.row.axes, m.cell])
    return Reading(reading.text, kept, reading.unpaired)


# ---- texts -------------------------------------------------------------------------------------


def _of_text(text: str, one: ProtectedAttribute) -> Parts:
    used, cycles = _chosen(one.lexicon, one.values)
    table = coding_of_text(used, text) if one.values is None else None
    quoted = table is not None and bool(read(text, table, one.protect).mentions)
    if one.values is None and not quoted:
        used, cycles = family_of(used, cycles, lambda lexicon: [read(text, lexicon, one.protect)])
    reader = partial(_read_text, attribute=used, table=table, protect=one.protect)

    def doubter(varied: str) -> tuple[str, ...]:
        spans = doubtful(varied, one.lexicon, one.protect)
        return words_in(varied, spans, reader(varied) if quoted else None)

    if quoted and table is not None:
        used, cycles = table, cycles_of(table, None)
    part = Part(text, reader, doubter, protect=one.protect)
    readings = (_taking_part(reader(text), cycles),)
    axis, stay = one.name_axis, one.names == "keep"
    return Parts(text, used, cycles, (part,), readings, name_axis=axis, names_stay=stay)


def _chosen(attribute: Attribute, values: Sequence[str] | None) -> tuple[Attribute, Cycles]:
    """The attribute and the values that take part: the lexicon's, or those of a table it knows."""
    tables = [set(coding.terms.values()) for coding in attribute.codings]
    try:
        return attribute, cycles_of(attribute, values)
    except InputError:
        if values is not None and attribute.wider is not None:
            return attribute.wider, cycles_of(attribute.wider, values)
        if values is None or not any(set(values) <= terms for terms in tables):
            raise
        listed = with_values(attribute, values)
        return listed, cycles_of(listed, None)


def _read_text(
    text: str, attribute: Attribute, table: Attribute | None, protect: tuple[str, ...]
) -> Reading:
    """A text read by the table whose record it quotes, where it quotes one, else by the lexicon."""
    quoted = Reading(text) if table is None else read(text, table, protect)
    return quoted if quoted.mentions else read(text, attribute, protect)


# ---- records -----------------------------------------------------------------------------------


def _of_record(record: Record, one: ProtectedAttribute, shown: Sequence[str] | None) -> Parts:
    coded, cycles = chosen_for_record(record, one.lexicon, one.values)
    found = _read_as(record, one, shown, coded, cycles)
    if coded.wider is None or one.values is not None:
        return found

    def readings(lexicon: Attribute) -> list[Reading]:
        if lexicon is coded:
            return [part.read(part.text) for part in found.parts]
        return list(_read_as(record, one, shown, lexicon, cycles_of(lexicon, None)).readings)

    family, within = family_of(coded, cycles, readings)
    return found if family is coded else _read_as(record, one, shown, family, within)


def _read_as(
    record: Record,
    one: ProtectedAttribute,
    shown: Sequence[str] | None,
    coded: Attribute,
    cycles: Cycles,
) -> Parts:
    """The parts of a record whose table writes the attribute as `coded` has it."""
    reads = Reads(one.lexicon, coded, in_texts(one.lexicon, coded), one.protect)
    named = named_like(record, one.lexicon) if one.field is None else asked_for(record, one.field)
    taken = {leaf.path for leaf in named}
    seen = [leaf for leaf in leaves(record) if shown is None or leaf.path[0] in shown]
    others = [other_part(leaf, reads) for leaf in seen if leaf.path not in taken]
    rest = tuple(part for part in others if part is not None)
    main = tuple(named_part(leaf, reads) for leaf in named)
    aside = () if one.field is None else rest
    parts = main if aside else (*main, *rest)
    spoken, axis, stay = reads.texts, one.name_axis, one.names == "keep"
    found = Parts(record, coded, cycles, parts, (), (), (), aside, spoken, (), axis, stay)
    readings = found.read(tuple(part.text for part in parts))
    if main:
        check_known(main[0], coded, readings[0])
    found = replace(found, readings=readings)
    if coded.tells_age:
        found = replace(
            found, fixed=_lived_too_long([leaf for leaf in seen if leaf not in named], found)
        )
    return _without_the_silent(found)


def _lived_too_long(others: Sequence[Leaf], found: Parts) -> tuple[str, ...]:
    """Fields with more years of work than the youngest variation has had time for."""
    ages = [
        term_of(mention.row, (0,), "")
        for reading in found.readings
        for mention in reading.mentions
        if mention.row.kind == "age"
    ]
    years = [int(age) for age in ages if age.isdigit() and len(age) < 4]
    return tuple(
        f"{leaf.label}: {leaf.value}"
        for leaf in others
        if years and _WORKED.search(leaf.name) and is_too_long(leaf.value, min(years))
    )


def _without_the_silent(found: Parts) -> Parts:
    """The parts that tell something: what the others say is the same in all variations."""
    joined = found.names.places
    telling = [
        bool(reading.mentions or reading.unpaired) or i in joined
        for i, reading in enumerate(found.readings)
    ]
    pairs = list(zip(found.parts, found.readings, telling, strict=True))
    silent = [part for part, _, tells in pairs if not tells]
    fixed = dict.fromkeys(found.fixed)
    fixed.update(dict.fromkeys(_with_field(p, word) for p in silent for word in p.doubt(p.text)))
    written = [found.group() for part in silent for found in addresses(part.text)]
    told: list[str] = []
    if found.name_axis is not None:
        for part in silent:
            names = names_of(part, Reading(part.text), found.name_axis)
            told += [_with_field(part, name) for name in names]
    return replace(
        found,
        addresses=tuple(written),
        parts=tuple(part for part, _, tells in pairs if tells),
        readings=tuple(reading for _, reading, tells in pairs if tells),
        fixed=tuple(fixed),
        told_names=tuple(told),
    )


def chosen_for_record(
    record: Record, attribute: Attribute, values: Sequence[str] | None
) -> tuple[Attribute, Cycles]:
    """The attribute as the record's table writes it, or with the very values that are listed."""
    if len(attribute.axes) > 1:
        return attribute, cycles_of(attribute, values)
    table = coding_of_fields(attribute, [leaf.name for leaf in leaves(record)]) or attribute
    used = table if values is None else with_values(attribute, values)
    return used, cycles_of(used, None)
