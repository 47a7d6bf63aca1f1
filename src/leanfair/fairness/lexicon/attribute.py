"""A protected attribute: its values and, row by row, the terms that tell them.

A row holds one term for each value, and each term belongs to one row only. Swapping a term for
another of its row therefore loses nothing: the way back is always known. Rows live in the YAML
files of `lexicons/`; a user's own attribute is one such file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import NamedTuple

from leanfair.errors import InputError
from leanfair.fairness.lexicon.grammar import plural, styles
from leanfair.fairness.lexicon.tokens import tokenise

KINDS = {
    "word": "a word or phrase that tells the attribute wherever it stands",
    "person": "a noun for a person that tells the attribute wherever it stands; one or many",
    "noun": "a noun for a person, where the place shows a noun; one or many",
    "adjective": "said of a person: before a noun for people, after is, or in a record",
    "attributive": "an adjective before a noun for people only",
    "predicate": "what stands after is, said of a person",
    "having": "what stands after has or with",
    "agreeing": "like person, but only where one person of known gender is meant",
    "object": "him and her, as objects",
    "possessive": "his and her, before a noun",
    "owned": "his and hers, without a noun",
    "title": "a title before a name",
    "married title": "a title before a name, in a text that speaks of a marriage",
    "address": "an address, as in Dear Sir",
    "country": "a country, after from or born in",
    "age": "a number that is somebody's age",
    "decade": "in their thirties",
    "record": "a value straight after the name of its field",
    "name": "a first name",
    "word name": "a first name that is also a word",
    "surname": "a last name, after a first name or repeating one",
}
"""The contexts a row may ask for; see `leanfair.fairness.mentions.kinds` for their rules."""

NAMES = frozenset({"name", "word name", "surname"})
"""The kinds of rows that hold people's names."""

_COUNTED = frozenset({"person", "noun", "agreeing"})

Cell = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """One value of an attribute and every term of the lexicon that tells it."""

    name: str
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Row:
    """Terms that stand for one another, one per cell; `axes`: the parts of the value they tell.

    `cells`: place in the axes -> form ("one", "many", "feminine" or "") -> term. `paired` is False
    for a term that tells the attribute and has no counterpart. `fixed`: capitals are never changed.
    """

    kind: str
    axes: tuple[int, ...]
    cells: Mapping[Cell, Mapping[str, str]]
    paired: bool = True
    fixed: bool = False


@dataclass(frozen=True)
class Entry:
    """What a written term may be: a cell of a row, in a form and a style of capitals."""

    row: Row
    cell: Cell
    form: str
    style: str


class Candidate(NamedTuple):
    """A place that may tell the attribute: tokens `start` up to `stop`, what they may be, and the
    kinds of rows that this belongs to."""

    start: int
    stop: int
    entries: tuple[Entry, ...]
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Coding:
    """How a well-known table writes the values; `when`: field names, two of which give it away."""

    table: str
    when: tuple[str, ...]
    terms: Mapping[str, str]


@dataclass(frozen=True, eq=False, repr=False)
class Attribute:
    """A protected attribute as a lexicon describes it.

    `axes`: the parts a value consists of, each with the names of its values; only names have two
    (race and gender). `fields`: names of record fields that hold it. `heads` and `not_heads`: nouns
    that an adjective of this lexicon is, or is not, read before, beyond the words for people.
    `wider`: the lexicon to take where a value is asked for that this one lacks. `families`: the
    places of values that are varied together, where not all are.
    """

    name: str
    axes: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    version: str = ""
    licence: str = ""
    source: str = ""
    fields: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    heads: frozenset[str] = frozenset()
    not_heads: frozenset[str] = frozenset()
    codings: tuple[Coding, ...] = field(default=())
    wider: Attribute | None = None
    families: tuple[tuple[int, ...], ...] = ()

    def __repr__(self) -> str:
        return f"<lexicon of {self.name}>"

    def __deepcopy__(self, memo: dict[int, object]) -> Attribute:
        """This very one: it never changes, and is compared by identity."""
        return self

    @cached_property
    def of_names(self) -> bool:
        """Whether it is told by people's names alone."""
        kinds = {row.kind for row in self.rows if row.paired and len(row.axes) == len(self.axes)}
        return bool(kinds) and kinds <= NAMES

    @cached_property
    def has_names(self) -> bool:
        """Whether people's names tell it, beside other words or alone."""
        return any(row.kind in NAMES for row in self.rows)

    @cached_property
    def has_surnames(self) -> bool:
        """Whether last names tell it, too."""
        return any(row.kind == "surname" for row in self.rows)

    @cached_property
    def is_gendered(self) -> bool:
        """Whether pronouns tell it."""
        return any(row.kind == "possessive" for row in self.rows)

    @cached_property
    def tells_age(self) -> bool:
        """Whether numbers tell it."""
        return len(self.axes[0]) == 3 and any(row.kind == "age" for row in self.rows)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every value with its terms, in the order of the lexicon."""
        return tuple(Value(self.value_name(cell), self._terms(cell)) for cell in self.cells)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The place of every value in the axes."""
        return tuple(product(*(range(len(axis)) for axis in self.axes)))

    def value_name(self, cell: Cell) -> str:
        """The name of the value at a place: "black", or "black female" where there are two axes."""
        return " ".join(axis[i] for axis, i in zip(self.axes, cell, strict=True))

    def _terms(self, cell: Cell) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for row in self.rows:
            if row.paired and len(row.axes) == len(self.axes):
                found.update(dict.fromkeys(row.cells[cell].values()))
        return tuple(found)

    @cached_property
    def surfaces(self) -> Mapping[str, tuple[Entry, ...]]:
        """Everything that may be written -> what it may be, in the order of the rows."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for row in self.rows:
            for cell, forms in row.cells.items():
                for form, term in forms.items():
                    for style, spelling in _styles(row, term).items():
                        found[spelling].append(Entry(row, cell, form, style))
        return {spelling: tuple(entries) for spelling, entries in found.items()}

    @cached_property
    def kinds(self) -> Mapping[str, frozenset[str]]:
        """Everything that may be written -> the kinds of rows that it may belong to."""
        return {
            spelling: frozenset(entry.row.kind for entry in entries)
            for spelling, entries in self.surfaces.items()
        }

    @cached_property
    def lengths(self) -> Mapping[str, tuple[int, ...]]:
        """First token of a term, in lower case -> the lengths in tokens to try, longest first."""
        found: dict[str, set[int]] = defaultdict(set)
        for spelling in self.surfaces:
            if spelling.isalpha():
                found[spelling.lower()].add(1)
                continue
            tokens = tokenise(spelling)
            found[tokens[0].lower].add(len(tokens))
        return {first: tuple(sorted(n, reverse=True)) for first, n in found.items()}

    @cached_property
    def seconds(self) -> Mapping[str, frozenset[str]]:
        """First token of a term, in lower case -> the second tokens of the terms that have more."""
        found: dict[str, set[str]] = {first: set() for first in self.lengths}
        for spelling in (one for one in self.surfaces if not one.isalpha()):
            words = [word.lower() for word in tokenise(spelling).texts]
            found[words[0]].update(words[1:2])
        return {first: frozenset(words) for first, words in found.items()}

    def ends_in_field(self, before: str) -> bool:
        """Whether a text ends in the name of a field, so that its value follows."""
        # the pattern is slow, and letters beyond ASCII may be one of it in another case
        if before.isascii() and not any(word in before.lower() for word in self._field_words):
            return False
        return self.field_before.search(before) is not None

    @cached_property
    def _field_words(self) -> tuple[str, ...]:
        """The first words of the fields' names, one of which stands in whatever ends in a field."""
        return tuple({re.split(r"[ _/-]", name.lower())[0] for name in self.fields})

    @cached_property
    def field_before(self) -> re.Pattern[str]:
        """What stands just before a value in a record: race: , "race": ", | race | ."""
        names = "|".join(re.escape(name).replace("\\ ", r"[ _/-]") for name in self.fields)
        joint = r"(?:\s*(?:[:=|>,–—]|\|\|)\s*|\s+-+\s+|\s+(?:is|was)\s+(?:not\s+)?|\s+)"
        quote = r"[\"'“”*_`]*"
        return re.compile(
            rf"(?<![^\W_]){quote}(?:{names}){quote}{joint}{quote}[ \t]*{quote}$", re.IGNORECASE
        )

    def find_value(self, name: str) -> Cell:
        """The place of a value by its name or by one of its terms, capitals aside."""
        wanted = name.strip().lower()
        for cell, value in zip(self.cells, self.values, strict=True):
            if wanted == value.name.lower():
                return cell
        for cell, value in zip(self.cells, self.values, strict=True):
            if wanted in {term.lower() for term in value.terms}:
                return cell
        raise InputError(
            f"the lexicon of {self.name!r} has no value {name!r}; it has "
            + ", ".join(value.name for value in self.values)
        )


def _styles(row: Row, term: str) -> Mapping[str, str]:
    """How a term of the row may be written; a name begins with a capital."""
    if row.kind not in NAMES:
        return styles(term, row.fixed)
    upper = term.upper()
    return {"as": term} if upper == term else {"as": term, "upper": upper}


def row_of(kind: str, terms: Sequence[str], *, only: str = "", fixed: bool = False) -> Row:
    """A row of a one-axis lexicon: one entry per value, "one/many" or "plain/feminine"."""
    cells: dict[Cell, Mapping[str, str]] = {
        (i,): forms_of(kind, term, only) for i, term in enumerate(terms)
    }
    return Row(kind, (0,), cells, fixed=fixed)


def forms_of(kind: str, entry: str, only: str = "") -> dict[str, str]:
    """The forms of one entry of a row: the plural is derived where it is not given."""
    plain, _, second = (entry, "", "") if kind == "record" else entry.partition("/")
    if kind in _COUNTED:
        forms = {"one": plain, "many": second or plural(plain)}
        dropped = {"plural": "one", "singular": "many"}.get(only)
        return {number: term for number, term in forms.items() if number != dropped}
    if kind == "adjective":
        return {"": plain, "feminine": second} if second else {"": plain}
    return {"": entry}


def check(attribute: Attribute, path: str) -> Attribute:
    """The attribute, if every term has one place only: what closure rests on."""
    seen: dict[tuple[str, str], Row] = {}
    for row in attribute.rows:
        for term in _all_terms(row):
            other = seen.setdefault((row.kind, term), row)
            if other is not row or _count(row, term) > 1:
                raise InputError(
                    f"{path}: {term!r} stands twice among the rows of kind {row.kind!r}; a term"
                    " needs one place, or its counterpart is not known"
                )
    return attribute


def _all_terms(row: Row) -> Iterable[str]:
    return {term for forms in row.cells.values() for term in forms.values()}


def _count(row: Row, term: str) -> int:
    return sum(term in forms.values() for forms in row.cells.values())
