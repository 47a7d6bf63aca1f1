"""Whose attribute it is: the value belongs to the person that a decision is about.

That is nobody's guess from the first word. The group that the table names tells it; else the field
that is there for the attribute; else what all mentions agree on, relatives of that person (whose
husband) and people who are greeted (Dear Sir) apart. Where they do not agree, it is not clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leanfair.fairness.lexicon.attribute import Attribute, Cell
from leanfair.fairness.mentions.reading import Mention, Reading


@dataclass(frozen=True)
class Person:
    """The value of the person that an item is about: `cell`, None where the item tells none.
    `clear`: whether it is known to be that person's. `against`: places in the parts, as (part,
    start, stop), that tell another value of what ought to be the same person."""

    cell: Cell | None
    clear: bool = True
    against: tuple[tuple[int, int, int], ...] = ()


def person_of(
    readings: Sequence[Reading],
    attribute: Attribute,
    known: str | None = None,
    named: int | None = None,
) -> Person:
    """Whose value the mentions tell. `known`: the person's value by its name, where the table tells
    it; `named`: which reading is of the field that is there for the attribute, None for none."""
    told = [_full(reading, attribute) for reading in readings]
    first = next((m for mentions in told for m in mentions), None)
    if first is None:
        return Person(_joined(readings, attribute))
    cell = _cell_named(attribute, known)
    field = None if named is None else next(iter(told[named]), None)
    if cell is None and field is not None:
        cell = field.cell
    own = [[m for m in mentions if not m.other] for mentions in told]
    if cell is None:
        cells = {m.cell for mentions in own for m in mentions}
        return Person(cells.pop()) if len(cells) == 1 else Person(first.cell, clear=False)
    against = tuple(
        (place, m.start, m.stop)
        for place, mentions in enumerate(own)
        if mentions and cell not in {m.cell for m in mentions}
        for m in mentions
    )
    if any(own):
        return Person(cell, True, against)
    return Person(first.cell, clear=False)


def _full(reading: Reading, attribute: Attribute) -> list[Mention]:
    """The mentions that tell every part of the value."""
    return [m for m in reading.mentions if len(m.row.axes) == len(attribute.axes)]


def _joined(readings: Sequence[Reading], attribute: Attribute) -> Cell | None:
    """What mentions tell together of which none tells all: of Ms. Washington "Ms." tells the
    gender, "Washington" the race."""
    found: dict[int, int] = {}
    for mention in (m for reading in readings for m in reading.mentions):
        for axis, i in zip(mention.row.axes, mention.cell, strict=True):
            found.setdefault(axis, i)
    axes = range(len(attribute.axes))
    return tuple(found[axis] for axis in axes) if len(found) == len(axes) else None


def _cell_named(attribute: Attribute, name: str | None) -> Cell | None:
    cells = (cell for cell in attribute.cells if attribute.value_name(cell) == name)
    return next(cells, None)
