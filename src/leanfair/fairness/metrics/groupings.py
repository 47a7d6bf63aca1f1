"""Partitions of the rows of a table into groups, by a column or by several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leanfair.statistics import Floats, Ints

MINIMUM_SHARE = 0.02
"""Groups with a smaller share of the rows are left out of ratios, before the highest rate is looked
for (New York City's Local Law 144 allows it); they are reported, and differences include them."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """A partition of the rows into groups.

    `columns`: the columns that define the groups; of several columns, the groups are their
    intersections. `names`: the groups. `values`: for each group its value in each column. `codes`
    [n]: the index of each row's group in `names`, -1 where a column is unknown or where the group
    has a single row; the names of those groups are in `alone`. `weights` [n]: how many people each
    row stands for; None for one.
    """

    name: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: Ints
    alone: tuple[str, ...] = ()
    weights: Floats | None = None

    @cached_property
    def sizes(self) -> Ints:
        """The number of rows of each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).astype(np.int64)

    @property
    def unknown(self) -> int:
        """The number of rows whose group is unknown."""
        return int((self.codes < 0).sum()) - len(self.alone)

    @cached_property
    def shares(self) -> Floats:
        """The share of each group of the people whose group is known."""
        known = self.codes >= 0
        people = np.ones(len(self.codes)) if self.weights is None else self.weights
        found = np.bincount(self.codes[known], people[known], minlength=len(self.names))
        shares: Floats = found / max(found.sum(), 1e-300)
        return shares

    @property
    def large(self) -> list[int]:
        """The indices of the groups that are large enough for ratios."""
        return [g for g, share in enumerate(self.shares) if share >= MINIMUM_SHARE]


def grouping_of(
    name: str,
    columns: Sequence[str],
    values: Sequence[Sequence[str | None]],
    weights: Floats | None = None,
) -> Grouping:
    """The groups by `columns`, whose values are `values` [columns][n], None where unknown.

    Of several columns, the groups are their intersections. Groups of a single row are set apart:
    no rate follows from one."""
    rows = list(zip(*values, strict=True))
    known = Counter(tuple(map(str, row)) for row in rows if None not in row)
    groups = sorted(row for row, size in known.items() if size > 1)
    indices: dict[tuple[str | None, ...], int] = {row: g for g, row in enumerate(groups)}
    codes = np.array([indices.get(row, -1) for row in rows], np.int64)
    names = tuple(" & ".join(row) for row in groups)
    alone = tuple(" & ".join(row) for row in sorted(known) if known[row] == 1)
    return Grouping(name, tuple(columns), names, tuple(groups), codes, alone, weights)
