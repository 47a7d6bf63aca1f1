"""Vary: an item once per value of a protected attribute, and nothing else changed.

What holds, for texts and records:

- One variation per value, in the lexicon's order; the one that is the input is byte for byte the
  input and is marked `original`.
- Closure: varying any of the variations gives the same set. A theorem on cyclic shifts, checked
  on each item as it is varied: see `leanfair.fairness.variations.closure`.
- Every mention changes together, in every field. Mentions of one value stay together, mentions of
  different values stay different: all of them go the same number of places round the list of
  values. So "a Black man and a White woman" becomes "a White man and an Asian woman", and a gender
  swap swaps. The value of a variation is that of the person whom the item is about, see
  `leanfair.fairness.variations.understanding.agreement`.
- Capitals are kept as they are written: "black" stands for "asian", "Black" for "Asian". Otherwise
  it could not be known which of the two to come back to.
- An item that does not tell the attribute, or tells it by a word that has no counterpart (Latinx),
  comes back alone and as it was; its `note` says which. So does one that is half understood: it
  holds words that tell the attribute or may tell it and that cannot change with the others. These
  words are its `unread`. No item is varied in part, unless the user names the fields.

Colours, places and firms that share a word with a group are not touched: of "black" and "white"
only what is said of a person changes, see `leanfair.fairness.mentions.adjectives`. What a variation
leaves behind is what no word list knows: proxies such as a mosque, a school, or years of
experience.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leanfair.errors import InputError
from leanfair.fairness.lexicon.protected import (
    Attributes,
    Counter,
    ProtectedAttribute,
    attributes_of,
    with_old_settings,
)
from leanfair.fairness.mentions.reading import Reading, spans_of
from leanfair.fairness.types import Item, Record, Variation, conversation
from leanfair.fairness.variations.closure import Shifted, shift_all
from leanfair.fairness.variations.leaves import leaves, without_places
from leanfair.fairness.variations.parts import Parts, parts_of
from leanfair.fairness.variations.understanding.agreement import Person, person_of
from leanfair.fairness.variations.understanding.reasons import doubts_of, told_by, why_alone
from leanfair.fairness.variations.writing import as_text, rebuilt, shown


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

    A list of turns with role and content is read as the text "role: content", a turn a paragraph.
    An item that cannot be varied comes back alone, as it was; its `note` says why. Raises
    InputError where a field that is named like the attribute holds none of its values.
    """
    found = attributes_of(with_old_settings(attribute, values, field, protect))
    if tokenizer is not None:
        found = tuple(one.counted(tokenizer) for one in found)
    return variations_of(conversation(item) or item, found)


def note(item: Item, attribute: Attributes, **settings: Sequence[str] | str | None) -> str:
    """The old name of `vary(item, attribute)[0].note`."""
    warnings.warn(
        "note goes in a later release: use vary(item, attribute)[0].note.",
        DeprecationWarning,
        stacklevel=2,
    )
    return vary(item, attribute, **settings)[0].note  # type: ignore[arg-type]


def variations_of(
    item: Item,
    attributes: Sequence[ProtectedAttribute],
    *,
    seen: Sequence[str] | None = None,
    known: Mapping[str, str] | None = None,
) -> tuple[Variation, ...]:
    """As `vary`. `seen`: the fields of a record that a model is shown, None for all. `known`:
    attribute -> value of the person whom the item is about, where a table tells it."""
    if len(attributes) > 1:
        return _vary_product(item, attributes, seen, known or {})
    return _vary(item, attributes[0], seen, (known or {}).get(attributes[0].name))


def _vary(
    item: Item,
    attribute: ProtectedAttribute,
    seen: Sequence[str] | None = None,
    known: str | None = None,
) -> tuple[Variation, ...]:
    found = parts_of(item, attribute, seen)
    person = _person(found, known)
    shifted = shift_all(found.readings, found.read, found.cycles, person.cell)
    doubts = doubts_of(found, shifted)
    if not shifted or doubts.any or person.against:
        return (_alone(found, person, *why_alone(found, attribute, person, doubts, known)),)
    try:
        made = tuple(_variation(found, one, person.clear) for one in shifted)
    except InputError as error:
        return (_alone(found, person, str(error), told_by(found)),)
    if not _keeps_family(found, made, attribute, seen):
        return (_alone(found, person, *why_alone(found, attribute, person, doubts, known)),)
    left = found.left()
    return tuple(replace(one, unread=left) for one in made) if left else made


def _keeps_family(
    found: Parts,
    made: Sequence[Variation],
    attribute: ProtectedAttribute,
    seen: Sequence[str] | None,
) -> bool:
    """Whether each variation is varied within the same family of values, where there are several:
    a word that reads otherwise beside a new neighbour may tell of another."""
    if attribute.lexicon.wider is None or attribute.values is not None:
        return True
    others = (variation.item for variation in made if not variation.original)
    again = (parts_of(item, attribute, seen) for item in others)
    return all(each.cycles == found.cycles for each in again)


def _person(found: Parts, known: str | None) -> Person:
    places = [i for i, part in enumerate(found.parts) if part.named]
    named = places[0] if places and isinstance(found.item, Mapping) else None
    taking_part = {
        found.attribute.value_name(cell)
        for cell in found.attribute.cells
        if all(i in cycle for i, cycle in zip(cell, found.cycles, strict=True))
    }
    return person_of(
        found.readings, found.attribute, known if known in taking_part else None, named
    )


# ---- several attributes --------------------------------------------------------------------------


def _vary_product(
    item: Item,
    attributes: Sequence[ProtectedAttribute],
    seen: Sequence[str] | None,
    known: Mapping[str, str],
) -> tuple[Variation, ...]:
    alone = [_vary(item, one, seen, known.get(one.name)) for one in attributes]
    unread = tuple(dict.fromkeys(words for each in alone for words in each[0].unread))
    half = any(each[0].reading == "half understood" for each in alone)
    if not half:
        found = _combine(item, attributes, seen)
        if _is_closed(found, attributes, seen):
            clear = all(each[0].clear for each in alone if len(each) > 1)
            if len(found) > 1:
                return tuple(replace(one, unread=unread, clear=clear) for one in found)
            return (replace(found[0], note=_why_none(item, attributes, alone)),)
        unread = unread or tuple(each[0].value for each in alone if each[0].value)
    return (without_places(item, note=_why_none(item, attributes, alone), unread=unread),)


def _is_closed(
    found: Sequence[Variation],
    attributes: Sequence[ProtectedAttribute],
    seen: Sequence[str] | None,
) -> bool:
    wanted = {_key(variation.item) for variation in found}
    return len(wanted) == len(found) and all(
        {_key(other.item) for other in _combine(variation.item, attributes, seen)} == wanted
        for variation in found
    )


def _why_none(
    item: Item, attributes: Sequence[ProtectedAttribute], alone: Sequence[Sequence[Variation]]
) -> str:
    """Why an item has no combinations: what each attribute says of it alone, where that is why."""
    kind = "text" if isinstance(item, str) else "record"
    notes = [found[0].note for found in alone if len(found) < 2]
    told = " and ".join(note.removeprefix(f"the {kind} ") for note in notes)
    names = " and ".join(one.name for one in attributes)
    return f"the {kind} {told or f'tells {names}, but not so that it can be varied'}"


def _combine(
    item: Item, attributes: Sequence[ProtectedAttribute], seen: Sequence[str] | None
) -> tuple[Variation, ...]:
    found: list[tuple[tuple[str, ...], Item]] = [((), item)]
    for attribute in attributes:
        found = [
            ((*names, variation.value) if variation.value else names, variation.item)
            for names, one in found
            for variation in _vary(one, attribute, seen)
        ]
    original = _key(item)
    return tuple(
        _joined(names, one, attributes, _key(one) == original, seen) for names, one in found
    )


def _joined(
    names: Sequence[str],
    item: Item,
    attributes: Sequence[ProtectedAttribute],
    original: bool,
    seen: Sequence[str] | None,
) -> Variation:
    value = ", ".join(names)
    found = [parts_of(item, attribute, seen) for attribute in attributes]
    if isinstance(item, str):
        spans = spans_of([reading for one in found for reading in one.readings])
        return Variation(value, item, spans, original)
    made = [shown(value, item, one.parts, one.readings, original) for one in found]
    spans = tuple(sorted({span for variation in made for span in variation.spans}))
    return Variation(value, made[0].text, spans, original, item)


def _key(item: Item) -> object:
    return item if isinstance(item, str) else tuple((name, str(v)) for name, v in item.items())


# ---- variations ----------------------------------------------------------------------------------


def _variation(found: Parts, shifted: Shifted, clear: bool) -> Variation:
    value = found.attribute.value_name(shifted.cell)
    original = all(a.text == b.text for a, b in zip(shifted.parts, found.readings, strict=True))
    return replace(_shown(found, value, shifted.parts, original), clear=clear)


def _alone(found: Parts, person: Person, note: str, unread: tuple[str, ...]) -> Variation:
    value = "" if person.cell is None else found.attribute.value_name(person.cell)
    return replace(_shown(found, value, found.readings, True), note=note, unread=unread)


def _shown(found: Parts, value: str, readings: Sequence[Reading], original: bool) -> Variation:
    if isinstance(found.item, str):
        return Variation(value, readings[0].text, spans_of(readings), original)
    record: Record = found.item
    if not original:
        record = rebuilt(record, found.parts, [reading.text for reading in readings])
        _check_alike(found, record, readings)
    return shown(value, record, found.parts, readings, original)


def _check_alike(found: Parts, record: Record, readings: Sequence[Reading]) -> None:
    """Raise InputError where the record, as a model is shown it, is not what was meant: a field of
    another type may write two values alike."""
    now = {part.leaf.path: part for part in found.parts if part.leaf is not None}
    for leaf in leaves(record):
        part = now.get(leaf.path)
        if part is None:
            continue
        meant = next(r.text for p, r in zip(found.parts, readings, strict=True) if p is part)
        if meant != part.text and as_text(leaf.value, found.attribute) != meant:
            raise InputError(
                f"the field {leaf.label!r} cannot be {meant!r}: it holds "
                f"{type(leaf.value).__name__} values"
            )
