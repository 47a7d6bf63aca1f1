"""Groups as tables write them: one spelling of each, classes of numbers, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.metrics.groupings import Grouping, grouping_of
from leanfair.fairness.tables.cuts import Cuts, as_number, check_classes, classes_of
from leanfair.fairness.types import Record
from leanfair.fairness.unknown import plain, says_nothing, whole
from leanfair.statistics import Floats

_MOST_GROUPS = 50
_SPELLINGS = 5


def groupings_of_rows(
    rows: Sequence[Record],
    columns: Sequence[str],
    cuts: Mapping[str, Cuts],
    weights: Floats | None = None,
) -> tuple[list[Grouping], list[str]]:
    """The groups by each column and, of several columns, by all of them together; and sentences on
    what was folded together or could not be placed.

    Values that differ in case, blanks or Unicode form alone are one group, called by its commonest
    spelling. Raises InputError where a column has no two groups of two rows, or holds no groups.
    """
    for column in cuts.keys() - set(columns):
        raise InputError(f"cuts names {column!r}, which is no column of groups: {list(columns)}.")
    found: list[list[str | None]] = []
    notes: list[str] = []
    for column in columns:
        values = [row[column] for row in rows]
        if column in cuts:
            named, told = classes_of(column, values, cuts[column])
        else:
            check_classes(column, values)
            named, told = _folded(column, values)
        _check(column, named)
        found.append(named)
        notes += told
    made = [
        grouping_of(column, [column], [named], weights)
        for column, named in zip(columns, found, strict=True)
    ]
    if len(columns) > 1:
        both = grouping_of(" & ".join(columns), columns, found, weights)
        if both.names:
            made.append(both)
        else:
            notes.append(f"No intersection by {both.name} has two rows: none is compared.")
    return made, notes


def group_named(groupings: Sequence[Grouping], asked: str) -> str:
    """The group that is called `asked`, in whatever case. Raises InputError where there is none."""
    names = [name for grouping in groupings for name in grouping.names]
    for name in names:
        if plain(name) == plain(asked):
            return name
    raise InputError(f"There is no group {asked!r}: there are {', '.join(names)}.")


def _folded(column: str, values: Sequence[Any]) -> tuple[list[str | None], list[str]]:
    written = [None if says_nothing(value) else _written(value) for value in values]
    spellings: dict[str, Counter[str]] = {}
    for text in written:
        if text is not None:
            spellings.setdefault(plain(text), Counter())[text] += 1
    names = {key: found.most_common(1)[0][0] for key, found in spellings.items()}
    notes = [
        f"In the column {column!r}, {names[key]!r} is also written {_others(found, names[key])}: "
        f"taken as one group."
        for key, found in spellings.items()
        if len(found) > 1
    ]
    return [None if text is None else names[plain(text)] for text in written], notes


def _written(value: Any) -> str:
    """A value as it stands, without outer blanks."""
    return str(whole(value)).strip()


def _others(found: Counter[str], name: str) -> str:
    others = [(text, many) for text, many in found.most_common() if text != name]
    shown = ", ".join(f"{text!r} ({many})" for text, many in others[:_SPELLINGS])
    more = len(others) - _SPELLINGS
    return f"{shown} and in {more} more ways" if more > 0 else shown


def _check(column: str, found: Sequence[str | None]) -> None:
    sizes = Counter(value for value in found if value is not None)
    large = [value for value, size in sizes.items() if size > 1]
    alone = len(sizes) - len(large)
    if len(large) > _MOST_GROUPS or (alone > _MOST_GROUPS and 2 * alone > sum(sizes.values())):
        remedy = "name its cut points" if _is_numeric(sizes) else "put its values into classes"
        raise InputError(
            f"The column {column!r} holds {len(sizes)} groups, and {_MOST_GROUPS} are the most: "
            f"name another column, or {remedy}."
        )
    if len(large) < 2:
        only = f"one group only, {large[0]!r}" if large else "no group at all"
        more = f" of two rows or more, and {alone} of a single row" if alone else ""
        raise InputError(f"The column {column!r} holds {only}{more}: a comparison needs two.")


def _is_numeric(values: Mapping[str, int]) -> bool:
    return all(as_number(value) is not None for value in values)
