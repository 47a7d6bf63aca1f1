"""What an audit is given: a table, checked, as items, labels, groups, clusters and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leanfair.data.tables import check_columns, read_table
from leanfair.errors import InputError
from leanfair.fairness.judge.prompt import TEXT_SLOT, as_items, name_rows
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.tables.cuts import Cuts
from leanfair.fairness.tables.groups import groupings_of_rows
from leanfair.fairness.tables.labels import Labels, truth_of
from leanfair.fairness.tables.pairs import Pairs, pairs_of
from leanfair.fairness.tables.weights import Weights, scores_of, weights_of
from leanfair.fairness.types import Item, Record
from leanfair.fairness.unknown import is_blank, is_missing
from leanfair.statistics import Floats, Ints, codes_of


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are not judged: of labels (None where nobody knows what is
    right), groups, clusters, weights or counts of people, pairs, and scores; cut points of groups
    in numbers; and, of decisions that exist, where they stand (`decided`)."""

    groups: tuple[str, ...]
    label: str | None = None
    cluster: str | None = None
    weight: str | None = None
    count: str | None = None
    cuts: Mapping[str, Cuts] | None = None
    pair: str | None = None
    score: str | None = None
    decided: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """All that a table has to have."""
        single = (self.label, self.cluster, self.weight, self.count, self.pair, self.score)
        return [*filter(None, single), *self.groups, *self.decided]


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of an audit. `items`: what is judged, which never holds the label. `truth`: the
    option that each row's label is, None without labels. `groupings`: by each column, and by all of
    them together where they are several; the last is the main one. `clusters` [n]: which rows are
    of one person. `pairs`: rows that differ in the attribute alone, where the table has them.
    `scores` [n]: NaN where a row has none; None without a column of them. `numbers` [n]: what each
    row is called, from 1, as some may be left out; `notes`: sentences on what was left out, folded
    together or is unknown."""

    name: str
    columns: Columns
    rows: Sequence[Record]
    items: Sequence[Item]
    truth: Sequence[str] | None
    groupings: Sequence[Grouping]
    clusters: Ints
    weights: Weights
    pairs: Pairs | None
    scores: Floats | None
    numbers: Sequence[int]
    notes: Sequence[str]

    def __len__(self) -> int:
        return len(self.items)


def rows_of(frame: Any) -> tuple[str, list[Record]]:
    """The name of a table (a DataFrame, a list of records or the path of a file) and its rows. A
    field that only some records have is missing in the others. Raises InputError."""
    if isinstance(frame, (str, Path)):
        name, rows = Path(frame).name, list[Any](read_table(frame))
    else:
        name, rows = "table", list[Any](as_items(frame))
    if not rows:
        raise InputError("The table has no rows: give at least two a group.")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise InputError(
                f"Row {number} of the table is no record of fields but a {type(row).__name__}: an "
                f"audit needs its group."
            )
    return name, evened(rows)


def evened(rows: Sequence[Record]) -> list[Record]:
    """The same rows, each with all fields: None where a row lacks one, as JSON may leave it out."""
    fields = dict.fromkeys(field for row in rows for field in row)
    if all(len(row) == len(fields) for row in rows):
        return list(rows)
    return [{field: row.get(field) for field in fields} for row in rows]


def table_of(
    name: str,
    rows: Sequence[Record],
    columns: Columns,
    *,
    favourable: str,
    options: Sequence[str],
    labels: Labels = None,
    slots: Sequence[str] | None = None,
) -> Table:
    """The rows of a table (see `rows_of`), checked.

    `labels`: see `truth_of`. `slots`: what the prompt shows of a row, where that is known: a row in
    which all of it is empty is left out, and told. Raises InputError with one sentence for whatever
    is not as it has to be.
    """
    check_columns(rows, columns.named, f"The table {name!r}" if name != "table" else "The table")
    _check_options(favourable, options, columns.label, slots)
    empty = empty_rows(rows, slots)
    numbers = [n for n in range(1, len(rows) + 1) if n not in empty]
    kept = [rows[number - 1] for number in numbers]
    weights = weights_of(kept, numbers, columns.weight, columns.count, columns.cluster)
    groupings, notes = groupings_of_rows(kept, columns.groups, columns.cuts or {}, weights.values)
    told = [f"{_left_out(empty, len(rows))}, and not audited."] if empty else []
    label, pairs = columns.label, None
    if columns.pair is not None:
        pairs = pairs_of(kept, columns.pair, groupings[-1], columns.named)
        notes += pairs.notes
    scores = None if columns.score is None else scores_of(kept, numbers, columns.score)
    cluster = columns.cluster or columns.pair
    return Table(
        name,
        columns,
        kept,
        [item_of(_without(r, label), n, slots) for n, r in zip(numbers, kept, strict=True)],
        None if label is None else truth_of(kept, numbers, label, favourable, options, labels),
        groupings,
        _clusters(kept, numbers, cluster, may_be_blank=columns.cluster is None),
        weights,
        pairs,
        scores,
        numbers,
        [*told, *notes, *weights.notes],
    )


def empty_rows(rows: Sequence[Item], slots: Sequence[str] | None) -> set[int]:
    """The numbers, from 1, of rows in which all that the prompt shows is empty. Raises InputError
    where that is every row."""
    if slots is None:
        return set()
    empty = {
        number
        for number, row in enumerate(rows, start=1)
        if is_blank(row)
        or (isinstance(row, Mapping) and all(slot in row and is_blank(row[slot]) for slot in slots))
    }
    if len(empty) == len(rows):
        raise InputError(
            f"Every row of the table is empty in what the prompt shows ({', '.join(slots)})."
        )
    return empty


def _left_out(empty: set[int], rows: int) -> str:
    one = len(empty) == 1
    return (
        f"{name_rows(sorted(empty))} of {rows} {'is' if one else 'are'} empty where the prompt "
        f"looks: left out"
    )


def _check_options(
    favourable: str, options: Sequence[str], label: str | None, slots: Sequence[str] | None
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


def item_of(row: Record, number: int, slots: Sequence[str] | None) -> Item:
    """What is decided about: the text of a row, where the prompt has the slot for it alone; else
    the row as a record. Raises InputError where there is no text."""
    if slots is None or tuple(slots) != (TEXT_SLOT,):
        return row
    text = row.get(TEXT_SLOT)
    if not isinstance(text, str):
        raise InputError(f"Row {number} of the table has no text in a column {TEXT_SLOT!r}.")
    return text


def _without(row: Record, label: str | None) -> Record:
    """The row without its label, which is never judged."""
    return {name: value for name, value in row.items() if name != label}


def _clusters(
    rows: Sequence[Record], numbers: Sequence[int], cluster: str | None, may_be_blank: bool
) -> Ints:
    """Which rows belong together. A blank cell is an error; or, if it `may_be_blank`, a row by
    itself."""
    if cluster is None:
        return np.arange(len(rows), dtype=np.int64)
    if may_be_blank:
        cells = [row[cluster] for row in rows]
        return codes_of(
            [f"row {i}" if is_blank(c) else f"pair {str(c).strip()}" for i, c in enumerate(cells)]
        )
    missing = [n for n, row in zip(numbers, rows, strict=True) if is_missing(row[cluster])]
    if missing:
        raise InputError(f"{name_rows(missing)} of the table: nothing in the column {cluster!r}.")
    return codes_of([str(row[cluster]) for row in rows])
