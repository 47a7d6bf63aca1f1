"""The placebo: as many variations of a row as its attribute has, none of which should matter.

A model's decision may change with any change of its text, and the more variations, the likelier
some of them differs. So a flip rate over k values of an attribute is set beside that over k values
of something irrelevant (arXiv 2606.16723):

- `auto`: where names tell the attribute, other names of the same value (other white men's names);
  else a reference number, behind the text or behind a field of words that the prompt shows.
- the name of a column: other values of it, taken from other rows.
- a function of an item, a number k and a numpy Generator, which gives k items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.mentions.reading import Reading, read
from leanfair.fairness.types import Item, Record, Variation
from leanfair.fairness.variations.records import read_value

Placebo: TypeAlias = "str | Callable[[Item, int, np.random.Generator], Sequence[Item]] | None"
AUTO = "auto"
_NAMES = ("name", "word name", "surname")
_DIGITS = (10_000, 100_000)


@dataclass(frozen=True)
class PlaceboVariations:
    """For each row the items of its placebo, none where it has no variations. `kind`: what they are
    of. `reason`: why there are none at all."""

    items: Sequence[tuple[Item, ...]]
    kind: str = ""
    reason: str = ""


Maker: TypeAlias = Callable[[int, int, np.random.Generator], Sequence[Item]]
"""From the place of a row, how many items it takes, and a source of chance to those items."""


def placebos(
    placebo: Placebo,
    items: Sequence[Item],
    sets: Sequence[Sequence[Variation]],
    attributes: Sequence[Attribute],
    slots: Sequence[str] | None,
    seed: int,
) -> PlaceboVariations:
    """The placebo of each row whose variations `sets` are. `slots`: the fields that are shown."""
    none: list[tuple[Item, ...]] = [()] * len(items)
    if placebo is None:
        return PlaceboVariations(none, reason="no placebo was asked for")
    if max(map(len, sets)) < 2:
        return PlaceboVariations(none, reason="no row has variations to set it beside")
    shown = slots if slots is not None else _common_fields(items)
    if callable(placebo):
        kind, make = "a function", _by_function(placebo, items)
    elif placebo != AUTO:
        values = _values_of(placebo, items, shown, max(map(len, sets)))
        kind, make = f"values of {placebo!r}", _by_field(placebo, values, items)
    else:
        named = [_renamed(found, attributes) for found in sets]
        carrier = _carrier(items, sets, shown)
        numbered = any(len(s) > 1 and not n for s, n in zip(sets, named, strict=True))
        if numbered and carrier is None:
            why = "no field of words could hold a number: name an irrelevant field as the placebo"
            return PlaceboVariations(none, reason=why)
        kinds = ["other names of the same value"] * any(named) + ["a reference number"] * numbered
        kind, make = ", or ".join(kinds), _by_itself(named, items, carrier or "")
    return PlaceboVariations(_made(make, sets, seed), kind)


def _made(make: Maker, sets: Sequence[Sequence[Variation]], seed: int) -> list[tuple[Item, ...]]:
    made: list[tuple[Item, ...]] = []
    for i, found in enumerate(sets):
        needed = len(found) if len(found) > 1 else 0
        # of its own for each row, so that a row's placebo does not depend on the others
        rng = np.random.default_rng([seed, i])
        drawn = tuple(make(i, needed, rng)) if needed else ()
        if len(drawn) != needed:
            raise InputError(
                f"The placebo of row {i + 1} has {len(drawn)} items, but as many as the row's "
                f"variations are needed, {needed}."
            )
        made.append(drawn)
    return made


def _by_function(
    function: Callable[[Item, int, np.random.Generator], Sequence[Item]], items: Sequence[Item]
) -> Maker:
    return lambda i, k, rng: function(items[i], k, rng)


def _by_field(field: str, values: Sequence[object], items: Sequence[Item]) -> Maker:
    return lambda i, k, rng: _with_values(items[i], field, values, k, rng)


def _by_itself(named: Sequence[tuple[Item, ...]], items: Sequence[Item], carrier: str) -> Maker:
    return lambda i, k, rng: named[i] or _numbered(items[i], carrier, k, rng)


# ---- a field of the table -----------------------------------------------------------------------


def _common_fields(items: Sequence[Item]) -> tuple[str, ...]:
    records = [item for item in items if not isinstance(item, str)]
    return tuple(records[0]) if records else ()


def _values_of(
    field: str, items: Sequence[Item], shown: Sequence[str], needed: int
) -> list[object]:
    if field not in shown:
        fields = ", ".join(shown) or "a text alone"
        raise InputError(f"The placebo {field!r} is no field that the prompt shows: {fields}.")
    values = dict.fromkeys(item[field] for item in items if not isinstance(item, str))
    if len(values) < needed:
        raise InputError(
            f"The placebo field {field!r} holds {len(values)} different values, but {needed} are "
            f"needed, one for each variation."
        )
    return list(values)


def _with_values(
    item: Item, field: str, values: Sequence[object], k: int, rng: np.random.Generator
) -> list[Item]:
    assert not isinstance(item, str)
    others = [value for value in values if value != item[field]]
    drawn = rng.choice(len(others), size=k - 1, replace=False)
    return [item, *({**item, field: others[j]} for j in drawn)]


# ---- a reference number -------------------------------------------------------------------------


def _carrier(
    items: Sequence[Item], sets: Sequence[Sequence[Variation]], shown: Sequence[str]
) -> str | None:
    """The last shown field of words that the attribute does not change; "" for texts."""
    if all(isinstance(item, str) for item in items):
        return ""
    changed = {name for found in sets for name in changed_fields(found)}
    for name in reversed(shown):
        if name not in changed and all(_is_words(item, name) for item in items):
            return name
    return None


def changed_fields(found: Sequence[Variation]) -> set[str]:
    """The fields in which a record's variations differ."""
    records = [one.record for one in found if one.record is not None]
    return {
        name for record in records for name, value in record.items() if value != records[0][name]
    }


def _is_words(item: Item, name: str) -> bool:
    value = None if isinstance(item, str) else item.get(name)
    return isinstance(value, str) and any(letter.isalpha() for letter in value)


def _numbered(item: Item, carrier: str, k: int, rng: np.random.Generator) -> list[Item]:
    numbers = rng.choice(np.arange(*_DIGITS), size=k, replace=False)
    if isinstance(item, str):
        return [f"{item.rstrip()} (Reference {number}.)" for number in numbers]
    return [{**item, carrier: f"{item[carrier]} (reference {number})"} for number in numbers]


# ---- other names of the same value --------------------------------------------------------------


def _renamed(found: Sequence[Variation], attributes: Sequence[Attribute]) -> tuple[Item, ...]:
    """The original with other names of the same value, as many as it has variations, itself one of
    them; nothing where no name tells the attribute."""
    original = next((one for one in found if one.original), None)
    if original is None or len(found) < 2:
        return ()
    for attribute in attributes:
        made = [_turned(original, found, attribute, step) for step in range(len(found))]
        if len({_text(item) for item in made}) == len(found):
            return tuple(made)
    return ()


def _turned(
    original: Variation, found: Sequence[Variation], attribute: Attribute, step: int
) -> Item:
    if original.record is None:
        return _with_names(read(original.text, attribute), attribute, step)
    changed = dict(original.record)
    for name in changed_fields(found):
        if isinstance(changed[name], str):
            reading = read_value(changed[name], attribute)
            changed[name] = _with_names(reading, attribute, step)
    return changed


def _with_names(reading: Reading, attribute: Attribute, step: int) -> str:
    """Every name `step` rows on, within its column: so the same names stay the same, and others
    stay others."""
    text = reading.text
    for mention in sorted(reading.mentions, key=lambda m: m.start, reverse=True):
        if mention.row.kind not in _NAMES or not mention.row.axes:
            continue
        rows = [
            row
            for row in attribute.rows
            if row.kind == mention.row.kind and row.axes == mention.row.axes
        ]
        place = next(i for i, row in enumerate(rows) if row is mention.row)
        other = mention._replace(row=rows[(place + step) % len(rows)])
        text = text[: mention.start] + other.written(mention.cell) + text[mention.stop :]
    return text


def _text(item: Item | Record) -> str:
    return item if isinstance(item, str) else repr(sorted(item.items(), key=lambda kv: kv[0]))
