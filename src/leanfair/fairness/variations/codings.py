"""The ways in which tables write the values: Adult's, COMPAS's, or the values a user lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, Coding, row_of
from leanfair.fairness.unknown import whole


def normalised(name: str) -> str:
    """A field's name in small letters with spaces, of marital_status or maritalStatus."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[\s_\-./]+", " ", spaced).strip().lower()


def coding_of_fields(attribute: Attribute, names: Iterable[str]) -> Attribute | None:
    """The attribute as the table writes it to which these fields belong, if two of them say so."""
    present = {normalised(name) for name in names}
    for coding in attribute.codings:
        if len(present.intersection(coding.when)) >= 2:
            return written_as(attribute, coding)
    return None


def coding_of_text(attribute: Attribute, text: str) -> Attribute | None:
    """The same for a record that is written out in a text."""
    for coding in attribute.codings:
        if len({found.lower() for found in _pattern(coding.when).findall(_spaced(text))}) >= 2:
            return written_as(attribute, coding)
    return None


def _spaced(text: str) -> str:
    return text.replace("_", " ").replace("-", " ")


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b", re.IGNORECASE)


@lru_cache(maxsize=64)
def _with_terms(attribute: Attribute, names: tuple[str, ...], terms: tuple[str, ...]) -> Attribute:
    row = row_of("record", terms, fixed=True)
    return Attribute(
        name=attribute.name,
        axes=(names,),
        rows=(row,),
        version=attribute.version,
        licence=attribute.licence,
        source=attribute.source,
        fields=attribute.fields,
    )


def written_as(attribute: Attribute, coding: Coding) -> Attribute:
    """The attribute with the values and terms of a table, and no other."""
    return _with_terms(attribute, tuple(coding.terms), tuple(coding.terms.values()))


def with_values(attribute: Attribute, values: Sequence[object]) -> Attribute:
    """The attribute with just these values, written just so."""
    terms = tuple(str(value) for value in values)
    if len(set(terms)) < 2 or len(set(terms)) < len(terms):
        raise InputError(f"values={list(values)}: give two or more different values")
    names = tuple(_lexicon_name(attribute, term) for term in terms)
    return _with_terms(attribute, names if len(set(names)) == len(names) else terms, terms)


@lru_cache(maxsize=64)
def in_texts(attribute: Attribute, coded: Attribute) -> Attribute | None:
    """The lexicon's terms for the values of a coding, in its order, so that texts can change with
    its fields; None where the lexicon lacks one of the values."""
    if coded is attribute or len(attribute.axes) > 1:
        return attribute
    names = coded.axes[0]
    if not set(names) <= set(attribute.axes[0]):
        wider = attribute.wider
        return None if wider is None else in_texts(wider, coded)
    places = [(attribute.axes[0].index(name),) for name in names]
    rows = [
        replace(row, cells={(i,): row.cells[place] for i, place in enumerate(places)})
        if row.paired and row.axes
        else row
        for row in attribute.rows
    ]
    return replace(attribute, axes=coded.axes, rows=tuple(rows), codings=())


_SPELLINGS = (
    ("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("1", "0"), ("1.0", "0.0"),
)  # fmt: skip


def flag_of(name: str, value: object, attribute: Attribute, coded: Attribute) -> Attribute | None:
    """For a field that says whether one of two values holds (is_female: yes), the attribute as it
    writes it; None for other fields."""
    if len(coded.axes) > 1 or len(coded.axes[0]) != 2:
        return None
    words = re.sub(r"^(?:is|was|flag)\s|\s(?:flag|yn|y n)$", "", name)
    for field in attribute.fields:
        words = words.removeprefix(f"{field} ")
    written = str(whole(value)).strip()
    pair = next((p for p in _SPELLINGS if written.lower() in p), None)
    if pair is None or words not in coded.axes[0]:
        return None
    yes, no = (_in_capitals_of(written, word) for word in pair)
    first = coded.axes[0].index(words) == 0
    return _with_terms(coded, coded.axes[0], (yes, no) if first else (no, yes))


def _in_capitals_of(value: str, word: str) -> str:
    """`word` as FALSE where the value is TRUE, as False where it is True."""
    if len(value) > 1 and value.isupper():
        return word.upper()
    return word.capitalize() if value[:1].isupper() else word


def _lexicon_name(attribute: Attribute, term: str) -> str:
    for coding in attribute.codings:
        for name, written in coding.terms.items():
            if written == term:
                return name
    try:
        return attribute.value_name(attribute.find_value(term))
    except InputError:
        return term if attribute.wider is None else _lexicon_name(attribute.wider, term)
