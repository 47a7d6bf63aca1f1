"""Pairs of rows that differ in the attribute alone, as correspondence studies make them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from leanfair.errors import InputError
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.types import Record
from leanfair.fairness.unknown import is_blank

_NAMED = 6


@dataclass(frozen=True)
class Pairs:
    """`members` [n]: for each row the rows of its pair, itself among them; of a row in no pair, or
    in one that cannot be compared, itself alone. `values` [n]: the group of each row, "" where it
    is unknown. `notes`: what could not be compared, and what else differs."""

    column: str
    members: Sequence[tuple[int, ...]]
    values: Sequence[str]
    notes: Sequence[str]

    @property
    def stands(self) -> list[bool]:
        """Whether a row is the first of its pair, and stands for it where pairs are counted."""
        return [found[0] == row for row, found in enumerate(self.members)]


def pairs_of(
    rows: Sequence[Record], column: str, grouping: Grouping, told: Collection[str]
) -> Pairs:
    """The pairs that the column `column` names: rows of one value, each of another group. `told`:
    columns that may differ, since they hold the decision, the group or the like. Raises InputError
    where there is no such pair."""
    together: dict[str, list[int]] = {}
    for row, record in enumerate(rows):
        if not is_blank(record[column]):
            together.setdefault(str(record[column]).strip(), []).append(row)
    members: list[tuple[int, ...]] = [(row,) for row in range(len(rows))]
    pairs, single, alike = [], 0, 0
    for found in together.values():
        codes = [int(grouping.codes[row]) for row in found]
        if len(found) < 2:
            single += 1
        elif min(codes) < 0 or len(set(codes)) < len(codes):
            alike += 1
        else:
            pairs.append(found)
            for row in found:
                members[row] = tuple(found)
    if not pairs:
        raise InputError(
            f"No two rows with one value in the column {column!r} are of two known groups by "
            f"{grouping.name}: a pair is two rows that differ in the attribute alone."
        )
    unpaired = len(rows) - sum(map(len, together.values())) + single
    values = [grouping.names[code] if code >= 0 else "" for code in grouping.codes.tolist()]
    return Pairs(column, members, values, _notes(rows, column, pairs, unpaired, alike, told))


def _notes(
    rows: Sequence[Record],
    column: str,
    pairs: Sequence[Sequence[int]],
    unpaired: int,
    alike: int,
    told: Collection[str],
) -> list[str]:
    notes = []
    if unpaired:
        notes.append(f"{unpaired} rows are in no pair by {column!r}: they count in rates alone.")
    if alike:
        notes.append(
            f"{alike} pairs by {column!r} hold two rows of one group, or of an unknown one: they "
            f"are not compared."
        )
    differing = {
        name: sum(len({str(rows[row].get(name)) for row in pair}) > 1 for pair in pairs)
        for name in rows[0]
        if name not in told and name != column
    }
    named = [f"{name!r} ({many})" for name, many in differing.items() if many]
    if named:
        more = f" and {len(named) - _NAMED} more columns" if len(named) > _NAMED else ""
        notes.append(
            f"Of {len(pairs)} pairs, some differ in more than the group: "
            f"{', '.join(named[:_NAMED])}{more}. A difference in decisions may come from that."
        )
    return notes
