"""What an audit is given: a table, checked, as items, labels, groups and clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from leanfair.data.tables import check_columns, read_table
from leanfair.errors import InputError
from leanfair.fairness.judge.prompt import TEXT_SLOT, as_items, is_missing, name_rows
from leanfair.fairness.metrics.rates import Grouping, grouping_of
from leanfair.fairness.types import Item, Record
from leanfair.fairness.variations.codings import is_missing as says_nothing
from leanfair.statistics import Ints, codes_of

Labels: TypeAlias = "Mapping[Any, str] | str | None"
_MOST_GROUPS = 50


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of an audit. `items`: what is judged, which never holds the label. `truth`: the
    option that each row's label is. `groupings`: by each column, and by all of them together where
    they are several; the last is the main one. `clusters` [n]: which rows are of one person."""

    name: str
    rows: Sequence[Record]
    items: Sequence[Item]
    truth: Sequence[str]
    groupings: Sequence[Grouping]
    clusters: Ints

    def __len__(self) -> int:
        return len(self.items)


def table_of(
    frame: Any,
    *,
    label: str,
    group: str | Sequence[str],
    favourable: str,
    options: Sequence[str],
    labels: Labels = None,
    cluster: str | None = None,
    slots: Sequence[str] | None = None,
) -> Table:
    """`frame` (a DataFrame, a list of records or the path of a table), checked.

    `labels`: what each value of the label column means, as option; or the one value that means
    `favourable`, where there are two options. `slots`: what the prompt shows of a row, where that
    is known. Raises InputError with one sentence for whatever is not as it has to be.
    """
    columns = (group,) if isinstance(group, str) else tuple(dict.fromkeys(group))
    if not columns:
        raise InputError('Name a column of groups, as in group="race".')
    name, rows = _rows_of(frame)
    wanted = [label, *columns, *([] if cluster is None else [cluster])]
    _check_columns(rows, wanted, name)
    _check_options(favourable, options, label, slots)
    return Table(
        name,
        rows,
        _items(rows, label, slots),
        _truth(rows, label, favourable, options, labels),
        _groupings(rows, columns),
        _clusters(rows, cluster),
    )


def _rows_of(frame: Any) -> tuple[str, list[Record]]:
    if isinstance(frame, (str, Path)):
        return Path(frame).name, list(read_table(frame))
    rows = as_items(frame)
    if not rows:
        raise InputError("The table has no rows: give at least two a group.")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise InputError(
                f"Row {number} of the table is no record of fields but a {type(row).__name__}: an "
                f"audit needs its label and its group."
            )
    return "table", [row for row in rows if isinstance(row, Mapping)]


def _check_columns(rows: Sequence[Record], wanted: Sequence[str], name: str) -> None:
    check_columns(rows, wanted, f"The table {name!r}" if name != "table" else "The table")
    for number, row in enumerate(rows, start=1):
        for column in wanted:
            if column not in row:
                raise InputError(f"Row {number} of the table has no field {column!r}.")


def _check_options(
    favourable: str, options: Sequence[str], label: str, slots: Sequence[str] | None
) -> None:
    if favourable not in options:
        raise InputError(
            f"The favourable decision {favourable!r} is none of the options: name one of "
            f"{', '.join(options)}."
        )
    if slots is not None and label in slots:
        raise InputError(
            f"The prompt shows the label column {label!r}: the model would be told the answer. "
            f"Leave {{{label}}} out."
        )


def _items(rows: Sequence[Record], label: str, slots: Sequence[str] | None) -> list[Item]:
    """The text, where the prompt has the slot for it alone; else the record without its label."""
    if slots is None or tuple(slots) != (TEXT_SLOT,):
        return [{name: value for name, value in row.items() if name != label} for row in rows]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get(TEXT_SLOT), str):
            raise InputError(f"Row {number} of the table has no text in a column {TEXT_SLOT!r}.")
    return [row[TEXT_SLOT] for row in rows]


# ---- labels -------------------------------------------------------------------------------------


def _truth(
    rows: Sequence[Record], label: str, favourable: str, options: Sequence[str], labels: Labels
) -> list[str]:
    missing = [n for n, row in enumerate(rows, start=1) if is_missing(row[label])]
    if missing:
        raise InputError(
            f"{name_rows(missing)} of the table: no label in the column {label!r}; give one, or "
            f"leave such rows out."
        )
    meant = _meanings([row[label] for row in rows], label, favourable, options, labels)
    found: list[str] = []
    for number, row in enumerate(rows, start=1):
        option = meant.get(_plain(row[label]))
        if option is None:
            known = ", ".join(map(repr, options))
            raise InputError(
                f"Row {number} of the table: the label {row[label]!r} is none of the options "
                f"({known}); say with labels={{{row[label]!r}: {favourable!r}, ...}} what it means."
            )
        found.append(option)
    return found


def _meanings(
    values: Iterable[Any], label: str, favourable: str, options: Sequence[str], labels: Labels
) -> Mapping[str, str]:
    """The option that each value of the label column means."""
    seen = {_plain(value) for value in values}
    if isinstance(labels, Mapping):
        for option in labels.values():
            if option not in options:
                raise InputError(
                    f"labels maps to {option!r}, which is none of the options: "
                    f"{', '.join(options)}."
                )
        return {_plain(value): option for value, option in labels.items()}
    others = [option for option in options if option != favourable]
    if labels is not None:
        if len(others) != 1:
            raise InputError("With more than two options, give labels as a dict: value to option.")
        if _plain(labels) not in seen:
            shown = ", ".join(repr(value) for value in islice(sorted(seen), 10))
            raise InputError(
                f"The column {label!r} holds no {labels!r}, which is to mean {favourable!r}: it "
                f"holds {shown}."
            )
        return {value: favourable if value == _plain(labels) else others[0] for value in seen}
    if len(others) == 1 and seen <= {"0", "1"}:
        return {"1": favourable, "0": others[0]}
    return {_plain(option): option for option in options}


def _plain(value: Any) -> str:
    """How values are told apart: 1, 1.0 and True are one, as are "Yes" and "yes "."""
    if isinstance(value, (bool, np.bool_)) or (
        isinstance(value, (float, np.floating)) and float(value).is_integer()
    ):
        value = int(value)
    return str(value).strip().casefold()


# ---- groups -------------------------------------------------------------------------------------


def _groupings(rows: Sequence[Record], columns: Sequence[str]) -> list[Grouping]:
    values = [[_group(row[column]) for row in rows] for column in columns]
    for column, found in zip(columns, values, strict=True):
        _check_groups(column, found)
    single = [grouping_of(c, [c], [found]) for c, found in zip(columns, values, strict=True)]
    if len(columns) == 1:
        return single
    return [*single, grouping_of(" & ".join(columns), columns, values)]


def _group(value: Any) -> str | None:
    """The name of a group; None where the table says that it does not know."""
    return None if says_nothing(value) else str(value).strip()


def _check_groups(column: str, found: Sequence[str | None]) -> None:
    sizes = Counter(value for value in found if value is not None)
    for value, size in sizes.items():
        if size == 1 and len(sizes) <= _MOST_GROUPS:
            raise InputError(
                f"The group {value!r} of the column {column!r} has one row (row "
                f"{list(found).index(value) + 1}), and no rate follows from one: merge it with "
                f"another group, or leave it out."
            )
    if len(sizes) < 2:
        only = f"one group only, {next(iter(sizes))!r}" if sizes else "no group at all"
        raise InputError(f"The column {column!r} holds {only}: a comparison needs two.")
    if len(sizes) > _MOST_GROUPS:
        raise InputError(
            f"The column {column!r} holds {len(sizes)} groups, and {_MOST_GROUPS} are the most: "
            f"name another column, or put its values into classes."
        )


def _clusters(rows: Sequence[Record], cluster: str | None) -> Ints:
    if cluster is None:
        return np.arange(len(rows), dtype=np.int64)
    missing = [n for n, row in enumerate(rows, start=1) if is_missing(row[cluster])]
    if missing:
        raise InputError(f"{name_rows(missing)} of the table: nothing in the column {cluster!r}.")
    return codes_of([str(row[cluster]) for row in rows])
