"""Race with people's names: an attribute whose names change with its words, and one whose names are
looked for alone.

The lists of names know four races (`name.yaml`). An attribute that turns names with its words has
those of its values that the lists know, and its terms for others have no counterpart. Of a row of
first names by race and gender, each gender makes a row by race. First names that tell a gender
alone make rows without any axis: a surname stands behind them, and they stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import NAMES, Attribute, Cell, Row, check
from leanfair.fairness.lexicon.loading import load_attribute

TOLD_BY_NAMES = frozenset({"race", "ethnicity"})
"""The attributes that people's names tell, besides those that have names among their terms."""


@cache
def people_names() -> Attribute:
    """The lexicon of names."""
    return load_attribute("name")


@lru_cache(maxsize=16)
def with_names(attribute: Attribute) -> Attribute:
    """`attribute` (race) with names that tell its values, to change with its words. Raises
    InputError where the lists of names know fewer than two of its values."""
    return with_names_of(people_names(), attribute)


def with_names_of(names: Attribute, attribute: Attribute) -> Attribute:
    """The same with names of a lexicon of names, such as one put in the order of a tokenizer."""
    if attribute.has_names or len(attribute.axes) > 1:
        raise InputError(
            f"The attribute {attribute.name!r} has names among its terms already, which change "
            f"with the others: names='turn' is for race."
        )
    known = {value: names.axes[0].index(value) for value in names.axes[0]}
    kept = tuple(value for value in attribute.axes[0] if value in known)
    if len(kept) < 2:
        raise InputError(
            f"names='turn' needs two values or more that names tell: {', '.join(known)}; the "
            f"attribute {attribute.name!r} has {', '.join(attribute.axes[0])}."
        )
    places = [(attribute.axes[0].index(value),) for value in kept]
    rows = [made for row in attribute.rows for made in _restricted(row, places)]
    columns = [known[value] for value in kept]
    rows += [made for row in names.rows if row.kind in NAMES for made in _by_race(row, columns)]
    made = replace(attribute, axes=(kept,), rows=_once(rows), codings=(), wider=None)
    return check(made, attribute.name)


@lru_cache(maxsize=16)
def without_names(attribute: Attribute) -> Attribute:
    """`attribute` (gender) without the names among its terms: they stay as they are."""
    if attribute.of_names:
        raise InputError(f"The attribute {attribute.name!r} is told by names alone.")
    rows = tuple(row for row in attribute.rows if row.kind not in NAMES)
    return replace(attribute, rows=rows)


def _restricted(row: Row, places: Sequence[tuple[int, ...]]) -> list[Row]:
    """A row for some of the values; the terms of the others stand alone."""
    if not row.paired:
        return [row]
    kept: dict[Cell, Mapping[str, str]] = {(i,): row.cells[c] for i, c in enumerate(places)}
    others = [forms for place, forms in row.cells.items() if place not in places]
    used = {term for forms in kept.values() for term in forms.values()}
    alone = [
        Row(row.kind, (), {(): forms}, paired=False, fixed=row.fixed)
        for forms in others
        if used.isdisjoint(forms.values())
    ]
    return [replace(row, cells=kept), *alone]


def _once(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows without those that stand alone and say what another of their kind says."""
    seen = {(row.kind, term) for row in rows if row.paired for term in _terms(row)}
    kept: list[Row] = []
    for row in rows:
        terms = {(row.kind, term) for term in _terms(row)}
        if row.paired or seen.isdisjoint(terms):
            kept.append(row)
            seen |= terms
    return tuple(kept)


def _terms(row: Row) -> set[str]:
    return {term for forms in row.cells.values() for term in forms.values()}


def _by_race(row: Row, columns: Sequence[int]) -> list[Row]:
    if not row.paired:
        return [row]
    if 0 not in row.axes:  # a first name for a gender alone
        return [replace(row, axes=(), cells={(): forms}) for forms in row.cells.values()]
    if len(row.axes) == 1:
        return [replace(row, cells={(i,): row.cells[(c,)] for i, c in enumerate(columns)})]
    genders = sorted({cell[1] for cell in row.cells})
    return [
        replace(row, axes=(0,), cells={(i,): row.cells[(c, gender)] for i, c in enumerate(columns)})
        for gender in genders
    ]
