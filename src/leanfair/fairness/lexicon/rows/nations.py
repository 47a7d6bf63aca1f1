"""Nationalities beyond those of the lexicon: families of ten, each varied within itself.

From any variation the same full set has to come back, so a Ghanaian cannot simply join the ten that
are varied by default: from "American" it could not be known whether "Ghanaian" belongs to the set.
Therefore each nationality is in one family, and an item is varied in the family that its terms are
all of. The family of the lexicon's own values comes first.
"""

from __future__ import annotations

from dataclasses import replace

from leanfair.fairness.lexicon.attribute import Attribute, Row, check, row_of
from leanfair.fairness.lexicon.files import read_nations


def with_nations(base: Attribute) -> Attribute:
    """`base` (nationality), which knows every nationality's terms as such without a counterpart,
    with a `wider` lexicon that has all of them as values, in `families`."""
    families = read_nations()
    nations = [nation for family in families for nation in family]
    terms = {
        "record": [country.removeprefix("the ") for _, country, _ in nations],
        "adjective": [adjective for adjective, _, _ in nations],
        "noun": [noun for _, _, noun in nations],
        "country": [country for _, country, _ in nations],
    }
    rows = [row_of(kind, some) for kind, some in terms.items()]
    own = len(base.axes[0])
    known = {(row.kind, term) for row in base.rows for term in _terms(row)}
    lone = [
        Row(row.kind, (), {(): forms}, paired=False)
        for row in rows
        for (i, *_), forms in row.cells.items()
        if i >= own and not any((row.kind, term) in known for term in forms.values())
    ]
    rest = [
        Row(row.kind, (), {(): forms}, paired=False, fixed=row.fixed)
        for row in (*base.rows, *lone)
        for forms in row.cells.values()
    ]
    taken = {(row.kind, term) for row in rows for term in _terms(row)}
    seen: set[tuple[str, str]] = set()
    others = []
    for row in rest:
        here = {(row.kind, term) for term in _terms(row)}
        if here.isdisjoint(taken | seen):
            others.append(row)
            seen |= here
    names = (*base.axes[0], *(adjective.lower() for adjective, _, _ in nations[own:]))
    ends, start = list[tuple[int, ...]](), 0
    for family in families:
        ends.append(tuple(range(start, start + len(family))))
        start += len(family)
    wider = replace(base, axes=(names,), rows=(*rows, *others), codings=(), families=tuple(ends))
    return replace(base, rows=(*base.rows, *lone), wider=check(wider, "nations.txt"))


def _terms(row: Row) -> set[str]:
    return {term for forms in row.cells.values() for term in forms.values()}
