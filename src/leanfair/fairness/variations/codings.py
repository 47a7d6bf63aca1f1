"""The ways in which tables write the values: Adult's, COMPAS's, or the values a user lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, Coding, row_of

_MISSING = frozenset(
    {"", "?", "na", "n/a", "nan", "none given", "unknown", "not stated", "not known", "null",
     "missing", "prefer not to say", "declined", "undisclosed"}
)  # fmt: skip


def is_missing(value: object) -> bool:
    """Whether a field says nothing: empty, ?, NaN, unknown."""
    return value is None or value != value or str(value).strip().lower() in _MISSING


def normalised(name: str) -> str:
    """A field's name in small letters with spaces: marital_status, Marital-Status."""
    return re.sub(r"[\s_\-./]+", " ", name).strip().lower()


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


def _lexicon_name(attribute: Attribute, term: str) -> str:
    for coding in attribute.codings:
        for name, written in coding.terms.items():
            if written == term:
                return name
    try:
        return attribute.value_name(attribute.find_value(term))
    except InputError:
        return term
