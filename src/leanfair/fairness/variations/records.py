"""Varying a record: what of it tells the attribute changes together, each in the way of its table.

The fields that are named like the attribute are read as values; whatever else the record shows is
read as a reader would: texts, names, titles and fields with a single word for a person. What looks
like the attribute and could not be read is told, see `leanfair.fairness.mentions.doubts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import NAMES, Attribute, Entry
from leanfair.fairness.lexicon.doubts import doubts, suspicions
from leanfair.fairness.mentions.doubts import doubtful
from leanfair.fairness.mentions.reading import Mention, Reading, lifetime_value, read
from leanfair.fairness.types import Record
from leanfair.fairness.unknown import says_nothing
from leanfair.fairness.variations.codings import flag_of
from leanfair.fairness.variations.leaves import Leaf, leaves
from leanfair.fairness.variations.names.fields import kind_of
from leanfair.fairness.variations.writing import Part, Reader, as_text

_NOT_A_WHOLE_VALUE = NAMES | {"title", "married title", "address"}
_PLAIN = frozenset({"person", "word"})
_TITLE = frozenset({"title"})
_OF_NAMES = {"first": frozenset({"name", "word name"}), "last": frozenset({"surname"})}
_FREE = 3
"""From so many words on a field is a text, whatever its name."""


class UnknownValueError(InputError):
    """A field that is named like the attribute holds no value of it. `words`: field and value."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words


@dataclass(frozen=True)
class Reads:
    """How the fields of one record are read. `lexicon`: the attribute; `coded`: as the record's
    table writes it; `texts`: as texts write its values, None where they cannot."""

    lexicon: Attribute
    coded: Attribute
    texts: Attribute | None
    protect: tuple[str, ...] = ()


# ---- which fields ------------------------------------------------------------------------------


def asked_for(record: Record, field: str | Sequence[str]) -> list[Leaf]:
    """The values of the fields that the user names, those inside of them too. Raises InputError
    for a name that is none."""
    names = (field,) if isinstance(field, str) else tuple(field)
    found: list[Leaf] = []
    inside = leaves(record)
    for name in names:
        here = [leaf for leaf in inside if leaf.path[0] == name or leaf.label == name]
        if not here:
            raise InputError(
                f"the record has no field {name!r}; it has {', '.join(map(str, record))}"
            )
        found += [leaf for leaf in here if leaf not in found]
    return found


def named_like(record: Record, attribute: Attribute) -> list[Leaf]:
    """The values whose fields have a name of the attribute, in the order of its names."""
    wanted = {name: i for i, name in enumerate(attribute.fields)}
    found = [leaf for leaf in leaves(record) if leaf.name in wanted]
    return sorted(found, key=lambda leaf: wanted[leaf.name])


def named_part(leaf: Leaf, reads: Reads) -> Part:
    """A field that is there for the attribute."""
    holds = leaf.name in reads.lexicon.fields or _field(leaf.name, reads.lexicon.name).alike

    named = _name_reader(leaf, reads.coded, reads.protect)

    def reader(text: str) -> Reading:
        found = lifetime_value(text, leaf.name) if reads.coded.tells_age else None
        found = found or (None if named is None else named(text))
        return found or read_value(text, reads.coded, reads.protect)

    def doubter(text: str) -> tuple[str, ...]:
        reading = reader(text)
        if says_nothing(leaf.value) or not text.strip():
            return ()
        if not reading.mentions and not reading.unpaired and holds:
            return (text.strip(),)
        return words_in(text, doubtful(text, reads.lexicon, reads.protect), reading)

    return Part(
        as_text(leaf.value, reads.coded), reader, doubter, leaf, named=True, protect=reads.protect
    )


def other_part(leaf: Leaf, reads: Reads) -> Part | None:
    """A field that may tell the attribute besides; None for one that holds no words."""
    field = _field(leaf.name, reads.lexicon.name)
    flag = flag_of(leaf.name, leaf.value, reads.lexicon, reads.coded)
    if flag is not None:
        return _flag_part(leaf, flag)
    if says_nothing(leaf.value) or isinstance(leaf.value, (list, tuple, Mapping)):
        return None
    if not isinstance(leaf.value, str):
        return _unread(leaf, f"{leaf.label}: {leaf.value}") if field.alike else None
    if field.alike:
        return named_part(leaf, reads)
    spoken = (field.person and not field.other) or _is_free(leaf.value, field)
    reader = _text_reader(reads)
    named = None if reads.texts is None else _name_reader(leaf, reads.texts, reads.protect)
    if named is not None:
        reader = named
    elif not spoken:
        reader = _whole_reader(reads, _TITLE if field.title else _PLAIN)

    def doubter(text: str) -> tuple[str, ...]:
        if reads.texts is None:
            return words_in(text, read(text, reads.lexicon, reads.protect).places)
        if spoken:
            return words_in(text, doubtful(text, reads.texts, reads.protect))
        return () if field.other else _unread_word(text, reads, reader)

    return Part(leaf.value, reader, doubter, leaf, protect=reads.protect)


def numbers_tell_nothing(name: str, reads: Reads) -> bool:
    """Whether no plain number in this field can tell the attribute: its name does not speak of it,
    and no term that is looked for is a number alone."""
    lexicons = (reads.lexicon, reads.coded, *([reads.texts] if reads.texts else []))
    return not _field(name, reads.lexicon.name).alike and not any(
        one.tells_age
        or any(first[0].isdigit() and 1 in lengths for first, lengths in one.lengths.items())
        for one in lexicons
    )


def is_plain_number(value: object) -> bool:
    """Whether a value is a text of two digits or more, and the first not 0: no yes or no."""
    return type(value) is str and len(value) > 1 and value.isdecimal() and value[0] != "0"


@dataclass(frozen=True)
class _Field:
    """What the name of a field says. `alike`: it speaks of the attribute (sex at birth, patient
    age). `person`, `title`, `other`: as the lists of the lexicon of doubts have it."""

    alike: bool
    person: bool
    title: bool
    other: bool


@lru_cache(maxsize=4096)
def _field(name: str, attribute: str) -> _Field:
    found, lists = suspicions(attribute), doubts()
    alike = found.fields.search(name) is not None and found.not_fields.search(name) is None
    return _Field(
        alike,
        lists.person_fields.search(name) is not None,
        lists.title_fields.search(name) is not None,
        lists.other_fields.search(name) is not None,
    )


def _is_free(text: str, field: _Field) -> bool:
    """Whether a field's content is a text and not a single value; places and firms are longer."""
    many = len(text.split()) >= (2 * _FREE if field.other else _FREE)
    return many or (text.rstrip().endswith((".", "!", "?")) and not field.title)


def _unread(leaf: Leaf, words: str) -> Part:
    return Part("", Reading, lambda text: (words,), leaf)


def _flag_part(leaf: Leaf, flag: Attribute) -> Part:
    def reader(text: str) -> Reading:
        return read_value(text, flag)

    return Part(as_text(leaf.value, flag), reader, lambda text: (), leaf)


def _text_reader(reads: Reads) -> Reader:
    texts = reads.texts
    return Reading if texts is None else lambda text: read(text, texts, reads.protect)


def _whole_reader(reads: Reads, kinds: frozenset[str]) -> Reader:
    """Of fields that are one term as a whole, of one of these kinds."""
    texts = reads.texts
    return Reading if texts is None else lambda text: _as_whole(text, _entry(text, texts, kinds))


def _name_reader(leaf: Leaf, attribute: Attribute, protect: tuple[str, ...]) -> Reader | None:
    """Of a field that holds a first or a last name alone: Maria, which in a text may be a word;
    None for other fields, and where names do not tell the attribute."""
    kinds = _OF_NAMES.get(kind_of(leaf.name))
    if kinds is None or not attribute.has_names:
        return None

    def reader(text: str) -> Reading:
        entry = _entry(text, attribute, kinds)
        return read(text, attribute, protect) if entry is None else _as_whole(text, entry)

    return reader


def _unread_word(text: str, reads: Reads, reader: Reader) -> tuple[str, ...]:
    """A single value that tells the attribute in other fields: group: Black, title: Mr."""
    entry = _whole_value(text, reads.lexicon) or _entry(text, reads.lexicon, _TITLE)
    plain = entry is not None and entry.row.kind not in ("record", "age", "country")
    return (text.strip(),) if plain and not reader(text).places else ()


def words_in(
    text: str, spans: Iterable[tuple[int, int]], reading: Reading | None = None
) -> tuple[str, ...]:
    """What stands at some places, each once, apart from those that a reading has."""
    taken = [] if reading is None else reading.places
    free = [s for s in spans if not any(s[0] < b and a < s[1] for a, b in taken)]
    return tuple(dict.fromkeys(text[a:b] for a, b in free))


# ---- reading a field ---------------------------------------------------------------------------


def read_value(text: str, attribute: Attribute, protect: tuple[str, ...] = ()) -> Reading:
    """A field's content: one term of the lexicon as a whole, or else a text."""
    entry = _whole_value(text, attribute)
    return read(text, attribute, protect) if entry is None else _as_whole(text, entry)


def _as_whole(text: str, entry: Entry | None) -> Reading:
    if entry is None:
        return Reading(text)
    start = len(text) - len(text.lstrip())
    stop = start + len(text.strip())
    if not entry.row.paired:
        return Reading(text, unpaired=((start, stop),))
    mention = Mention(start, stop, entry.row, entry.cell, entry.form, entry.style)
    return Reading(text, (mention,))


def _entry(text: str, attribute: Attribute, kinds: frozenset[str]) -> Entry | None:
    entries = attribute.surfaces.get(text.strip(), ())
    return next((entry for entry in entries if entry.row.kind in kinds), None)


def _whole_value(text: str, attribute: Attribute) -> Entry | None:
    entries = [
        entry
        for entry in attribute.surfaces.get(text.strip(), ())
        if entry.row.kind not in _NOT_A_WHOLE_VALUE
        and len(entry.row.axes) in (0, len(attribute.axes))
    ]
    entries.sort(key=lambda entry: (entry.row.kind != "record", not entry.row.paired))
    return entries[0] if entries else None


def check_known(part: Part, attribute: Attribute, reading: Reading) -> None:
    """Raise UnknownValueError where a field for the attribute is a single value that the lexicon
    lacks."""
    value = None if part.leaf is None else part.leaf.value
    if reading.mentions or reading.unpaired or says_nothing(value) or len(attribute.axes) > 1:
        return
    if isinstance(value, str) and len(value.split()) > 4:
        return
    if attribute.name == "age" and _is_number(value):
        return
    if part.leaf is not None and isinstance(value, (list, tuple, Mapping)):
        return
    known = dict.fromkeys(attribute.value_name(cell) for cell in attribute.cells)
    label = "" if part.leaf is None else part.leaf.label
    raise UnknownValueError(
        f"the field {label!r} is {value!r}, which is no value of {attribute.name!r} here; "
        f"there are {', '.join(known)}. List the values of your table with values=[...]",
        f"{label}: {value}",
    )


def _is_number(value: object) -> bool:
    return re.fullmatch(r"\s*[\d.+-]+\s*", str(value)) is not None
