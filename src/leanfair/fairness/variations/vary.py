"""Vary: an item once per value of a protected attribute, and nothing else changed.

What holds, for texts and records:

- One variation per value, in the lexicon's order; the one that is the input is byte for byte the
  input and is marked `original`.
- Closure: varying any of the variations gives the same set. A theorem on cyclic shifts, checked
  on each item as it is varied: see `leanfair.fairness.variations.closure`.
- Every mention changes together. Mentions of one value stay together, mentions of different values
  stay different: all of them go the same number of places round the list of values. So "a Black man
  and a White woman" becomes "a White man and an Asian woman", and a gender swap swaps. The value of
  a variation is that of the first mention.
- Capitals are kept as they are written: "black" stands for "asian", "Black" for "Asian". Otherwise
  it could not be known which of the two to come back to.
- An item that does not tell the attribute, or tells it by a word that has no counterpart (Latinx),
  or cannot be varied with closure, comes back alone and as it was; its `note` says which.

Colours, places and firms that share a word with a group are not touched: of "black" and "white"
only what is said of a person changes, see `leanfair.fairness.mentions.adjectives`. What a variation
leaves behind is what no word list knows: proxies such as a mosque, a school, or years of
experience.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.protected import (
    Attributes,
    Counter,
    ProtectedAttribute,
    attributes_of,
    with_old_settings,
)
from leanfair.fairness.mentions.reading import Reading, read, spans_of
from leanfair.fairness.types import Item, Record, Variation
from leanfair.fairness.variations.closure import (
    Cycles,
    Reader,
    Shifted,
    cycles_of,
    lead_cell,
    shift_all,
    takes_part,
    told,
)
from leanfair.fairness.variations.codings import coding_of_fields, coding_of_text, with_values
from leanfair.fairness.variations.records import (
    check_known,
    content,
    fields_of,
    is_named,
    read_value,
    rebuilt,
    shown,
)


@dataclass(frozen=True)
class _Reading:
    """An item as it is varied: its parts, how to read each, and the values that take part."""

    item: Item
    names: tuple[str, ...]
    attribute: Attribute
    cycles: Cycles
    parts: tuple[Reading, ...]
    readers: tuple[Reader, ...]


def vary(
    item: Item,
    attribute: Attributes,
    *,
    tokenizer: Counter | None = None,
    values: Sequence[str] | None = None,
    protect: Sequence[str] = (),
    field: str | Sequence[str] | None = None,
) -> tuple[Variation, ...]:
    """The item once per value of the attribute, or per combination of the values of several.

    `attribute`: a name, a YAML file, what `leanfair.attribute` makes of it with values, fields and
    protected phrases, or a list of them. A combination's `value` joins the names with ", ". Closure
    holds there too: where attributes get into each other's way, so that some combination does not
    lead back to all, the item comes back alone. `tokenizer`: counts the tokens of a text, so that
    names change for names of as many tokens. `values`, `protect` and `field` are old spellings.

    An item that cannot be varied comes back alone, as it was; its `note` says why.
    """
    found = attributes_of(with_old_settings(attribute, values, field, protect))
    if tokenizer is not None:
        found = tuple(one.counted(tokenizer) for one in found)
    if len(found) > 1:
        return _vary_product(item, found)
    return _vary(item, found[0])


def _vary(item: Item, attribute: ProtectedAttribute) -> tuple[Variation, ...]:
    found = _read(item, attribute)
    shifted = shift_all(found.parts, found.readers, found.cycles)
    if not shifted:
        return (_alone(found, _why_alone(found, attribute)),)
    return tuple(_variation(found, one) for one in shifted)


def _why_alone(found: _Reading, attribute: ProtectedAttribute) -> str:
    """Why an item that was not shifted comes back alone, in one sentence without its full stop."""
    kind = "text" if isinstance(found.item, str) else "record"
    name = attribute.name
    unpaired = [part.text[a:b] for part in found.parts for a, b in part.unpaired]
    if unpaired:
        why = f"by {unpaired[0]!r}, which has no counterpart here in the other values"
        return f"the {kind} tells {name} {why}"
    if told(found.parts, len(found.cycles)):
        return f"the {kind} tells {name}, but not so that every variation leads back to it"
    if attribute.values is not None and _tells(found.item, replace(attribute, values=None)):
        return f"the {kind} tells {name}, but none of the values asked for"
    return f"the {kind} does not tell {name}"


def _tells(item: Item, attribute: ProtectedAttribute) -> bool:
    """Whether the item tells the attribute at all, by a term that can be varied or another."""
    found = _read(item, attribute)
    return told(found.parts, len(found.cycles)) or any(part.unpaired for part in found.parts)


def _vary_product(item: Item, attributes: Sequence[ProtectedAttribute]) -> tuple[Variation, ...]:
    found = _combine(item, attributes)
    wanted = {_key(variation.item) for variation in found}
    closed = all(
        {_key(other.item) for other in _combine(variation.item, attributes)} == wanted
        for variation in found
    )
    if len(wanted) == len(found) and closed:
        if len(found) > 1:
            return found
        return (replace(found[0], note=_why_none(item, attributes)),)
    text = item if isinstance(item, str) else shown("", item, (), (), True).text
    record = None if isinstance(item, str) else item
    return (Variation("", text, (), True, record, _why_none(item, attributes)),)


def _why_none(item: Item, attributes: Sequence[ProtectedAttribute]) -> str:
    """Why an item has no combinations: what each attribute says of it alone, where that is why."""
    kind = "text" if isinstance(item, str) else "record"
    alone = [found[0].note for found in (_vary(item, one) for one in attributes) if len(found) < 2]
    told = " and ".join(note.removeprefix(f"the {kind} ") for note in alone)
    names = " and ".join(one.name for one in attributes)
    return f"the {kind} {told or f'tells {names}, but not so that it can be varied'}"


def _combine(item: Item, attributes: Sequence[ProtectedAttribute]) -> tuple[Variation, ...]:
    found: list[tuple[tuple[str, ...], Item]] = [((), item)]
    for attribute in attributes:
        found = [
            ((*names, variation.value) if variation.value else names, variation.item)
            for names, one in found
            for variation in _vary(one, attribute)
        ]
    original = _key(item)
    return tuple(_joined(names, one, attributes, _key(one) == original) for names, one in found)


def _joined(
    names: Sequence[str],
    item: Item,
    attributes: Sequence[ProtectedAttribute],
    original: bool,
) -> Variation:
    value = ", ".join(names)
    readings = [_read(item, attribute) for attribute in attributes]
    if isinstance(item, str):
        spans = spans_of([part for reading in readings for part in reading.parts])
        return Variation(value, item, spans, original)
    seen = [shown(value, item, one.names, one.parts, original) for one in readings]
    spans = tuple(sorted({span for variation in seen for span in variation.spans}))
    return Variation(value, seen[0].text, spans, original, item)


def _key(item: Item) -> object:
    return item if isinstance(item, str) else tuple((name, str(v)) for name, v in item.items())


def _read(item: Item, attribute: ProtectedAttribute) -> _Reading:
    one = attribute
    if isinstance(item, str):
        return _read_text(item, one.lexicon, one.values, one.protect)
    if isinstance(item, Mapping):
        return _read_record(item, one.lexicon, one.values, one.protect, one.field)
    raise InputError(f"an item is a text or a record (a mapping), not {type(item).__name__}")


def _read_text(
    text: str, attribute: Attribute, values: Sequence[str] | None, protect: tuple[str, ...]
) -> _Reading:
    used, cycles = _chosen(attribute, values)
    table = coding_of_text(used, text) if values is None else None
    reader = partial(_read_part, attribute=used, table=table, cycles=cycles, protect=protect)
    part = reader(text)
    if table is not None and read(text, table, protect).mentions:
        used, cycles = table, cycles_of(table, None)
    return _Reading(text, (), used, cycles, (part,), (reader,))


def _chosen(attribute: Attribute, values: Sequence[str] | None) -> tuple[Attribute, Cycles]:
    """The attribute and the values that take part: the lexicon's, or those of a table it knows."""
    tables = [set(coding.terms.values()) for coding in attribute.codings]
    try:
        return attribute, cycles_of(attribute, values)
    except InputError:
        if values is None or not any(set(values) <= terms for terms in tables):
            raise
        listed = with_values(attribute, values)
        return listed, cycles_of(listed, None)


def _read_part(
    text: str,
    attribute: Attribute,
    table: Attribute | None,
    cycles: Cycles,
    protect: tuple[str, ...],
) -> Reading:
    """A text read by the table whose record it quotes, where it quotes one, else by the lexicon."""
    quoted = Reading(text) if table is None else read(text, table, protect)
    return quoted if quoted.mentions else _taking_part(read(text, attribute, protect), cycles)


def _taking_part(reading: Reading, cycles: Cycles) -> Reading:
    kept = tuple(mention for mention in reading.mentions if takes_part(mention, cycles))
    return Reading(reading.text, kept, reading.unpaired)


def _read_record(
    record: Record,
    attribute: Attribute,
    values: Sequence[str] | None,
    protect: tuple[str, ...],
    field: str | Sequence[str] | None,
) -> _Reading:
    names = fields_of(record, attribute, field)
    used, cycles = _chosen_for_record(record, attribute, values)
    reader = partial(_read_value, attribute=used, cycles=cycles, protect=protect)
    parts = tuple(reader(text) for text in content(record, names))
    found = _Reading(record, names, used, cycles, parts, tuple(reader for _ in parts))
    if field is not None or is_named(names, attribute):
        check_known(record, names, used, parts)
    return found


def _chosen_for_record(
    record: Record, attribute: Attribute, values: Sequence[str] | None
) -> tuple[Attribute, Cycles]:
    """The attribute as the record's table writes it, or with the very values that are listed."""
    if len(attribute.axes) > 1:
        return attribute, cycles_of(attribute, values)
    table = coding_of_fields(attribute, map(str, record)) or attribute
    used = table if values is None else with_values(attribute, values)
    return used, cycles_of(used, None)


def _read_value(
    text: str, attribute: Attribute, cycles: Cycles, protect: tuple[str, ...]
) -> Reading:
    return _taking_part(read_value(text, attribute, protect), cycles)


def _variation(found: _Reading, shifted: Shifted) -> Variation:
    value = found.attribute.value_name(shifted.cell)
    original = all(a.text == b.text for a, b in zip(shifted.parts, found.parts, strict=True))
    return _shown(found, value, shifted.parts, original)


def _alone(found: _Reading, why: str) -> Variation:
    cell = lead_cell(found.parts, len(found.cycles))
    value = "" if cell is None else found.attribute.value_name(cell)
    return replace(_shown(found, value, found.parts, True), note=why)


def _shown(found: _Reading, value: str, parts: Sequence[Reading], original: bool) -> Variation:
    if isinstance(found.item, str):
        return Variation(value, parts[0].text, spans_of(parts), original)
    record: Record = found.item
    if not original:
        record = rebuilt(record, found.names, [part.text for part in parts])
    return shown(value, record, found.names, parts, original)
