"""An audit of decisions in one pass: counts a group, whatever the number of rows.

What is held is a number of counts for each group and each of `draws` resamples; no row is kept, and
no cluster either. Intervals are those of the Poisson bootstrap (Chamandy et al., 2012, Estimating
uncertainty for massive data streams): in every resample a cluster counts as often as a number drawn
from Poisson(1) says that depends on the cluster's name and the resample alone, so that its rows are
drawn together wherever in the table, or on whichever machine, they stand.

What counts cannot tell is not here: medians and scoring rates, exact tests of pairs of rows, and
examples of rows need the rows, or a sample of them (`leanfair.audit`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanfair.data.streams.reading import table_batches
from leanfair.errors import InputError
from leanfair.fairness.deciding import places
from leanfair.fairness.unknown import is_blank

COUNTED = (
    "rows", "answered", "favourable", "compared", "flipped", "labelled", "right", "positives",
    "true positives", "negatives", "false positives",
)  # fmt: skip
"""What is counted of each group. `favourable`: rows with that decision; `compared`: rows whose
variations could be compared, of which `flipped` were decided otherwise; `labelled` and after: only
where there is a column of labels."""
RATES: Mapping[str, tuple[str, str]] = {
    "selection_rate": ("favourable", "rows"),
    "selection_rate_answered": ("favourable", "answered"),
    "answer_rate": ("answered", "rows"),
    "flip_rate": ("flipped", "compared"),
    "accuracy": ("right", "labelled"),
    "true_positive_rate": ("true positives", "positives"),
    "false_positive_rate": ("false positives", "negatives"),
}
"""Each rate: how many, of how many. Of all rows a selection rate counts those that were not
answered as not selected."""
MOST_GROUPS = 1000
Found = dict[str, "float | None"]


@dataclass(frozen=True)
class Columns:
    """The columns of decided tables. `group`: one or several, whose values are joined; `cluster`:
    tells people apart; without it each row is one."""

    group: Sequence[str]
    favourable: str
    decision: str = "decision"
    status: str = "status"
    flipped: str = "flipped"
    label: str | None = None
    cluster: str | None = None


class Counts:
    """Counts of a table that comes in parts; those of several machines add up."""

    def __init__(self, columns: Columns, draws: int = 200, seed: int = 0) -> None:
        self.columns, self.draws, self.seed = columns, draws, seed
        self.groups: dict[str, NDArray[np.float64]] = {}
        """Group -> [1 + draws, counts]: the table's own, then each resample's."""
        self._chance = np.random.default_rng(seed)
        self._seeds = self._chance.integers(0, 2**63, draws, dtype=np.uint64)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Count some rows. Raises InputError where a column is missing."""
        if not rows:
            return
        _check(rows[0], self.columns)
        names = [_group_of(row, self.columns.group) for row in rows]
        counted = np.array([_counted(row, self.columns) for row in rows], dtype=float)
        weights = self._weights(rows)
        for name in dict.fromkeys(names):
            here = np.array([other == name for other in names])
            own = counted[here]
            part = np.vstack([own.sum(axis=0), weights[here].T @ own])
            before = self.groups.get(name)
            self.groups[name] = part if before is None else before + part
        if len(self.groups) > MOST_GROUPS:
            raise InputError(
                f"There are more than {MOST_GROUPS:,} groups in {', '.join(self.columns.group)}: "
                f"name columns of few values."
            )

    def _weights(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """How often each row counts in each resample, [rows, draws]."""
        cluster = self.columns.cluster
        if cluster is None:
            return self._chance.poisson(1.0, (len(rows), self.draws)).astype(float)
        keys = np.array([_hash(str(row[cluster])) for row in rows], dtype=np.uint64)
        mixed = _mixed(keys[:, None] ^ self._seeds[None, :])
        uniform = (mixed >> np.uint64(11)).astype(float) / 2.0**53
        found: NDArray[np.float64] = np.searchsorted(_POISSON, uniform, side="right").astype(float)
        return found

    def add_counts(self, other: Counts) -> None:
        """Add what another counted of other rows."""
        for name, part in other.groups.items():
            before = self.groups.get(name)
            self.groups[name] = part if before is None else before + part

    def to_dict(self, confidence: float = 0.95) -> dict[str, Any]:
        """The rates of each group and the gaps between them, each with its interval."""
        names = sorted(self.groups)
        stacked = np.stack([self.groups[name] for name in names])  # [groups, 1 + draws, counts]
        groups = {
            name: {
                **{what: int(stacked[i, 0, k]) for k, what in enumerate(COUNTED)},
                **{rate: _interval(_rate(stacked[i], rate), confidence) for rate in RATES},
            }
            for i, name in enumerate(names)
        }
        rates = {rate: np.stack([_rate(one, rate) for one in stacked]) for rate in RATES}
        chosen = rates["selection_rate"]
        highest, lowest = chosen.max(axis=0), chosen.min(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = lowest / highest
        gaps = {
            "demographic_parity_difference": highest - lowest,
            "demographic_parity_ratio": ratio,
            "equal_opportunity_difference": _spread(rates["true_positive_rate"]),
            "accuracy_difference": _spread(rates["accuracy"]),
        }
        whole = stacked.sum(axis=0)
        return {
            "rows": int(whole[0, 0]),
            "flip_rate": _interval(_rate(whole, "flip_rate"), confidence),
            "accuracy": _interval(_rate(whole, "accuracy"), confidence),
            "metrics": {name: _interval(gap, confidence) for name, gap in gaps.items()},
            "groups": groups,
            "confidence": confidence,
            "draws": self.draws,
        }


def count_decisions(pattern: str, columns: Columns, *, draws: int = 200, seed: int = 0) -> Counts:
    """Counts of all tables that `pattern` names, such as 'decided/*.parquet', in one pass. Raises
    InputError for a table without one of the columns, and where there is none."""
    counts = Counts(columns, draws, seed)
    for place in places.listed(pattern):
        with places.here(place) as here:
            try:
                for batch in table_batches(here, note=lambda remark: None):
                    counts.add(batch.rows)
            except InputError as error:
                raise InputError(f"{place}: {error}") from error
    if not counts.groups:
        raise InputError(f"The tables {pattern} have no rows.")
    return counts


def _check(row: Mapping[str, Any], columns: Columns) -> None:
    wanted = [*columns.group, columns.decision, columns.status, columns.flipped]
    for name in [*wanted, *filter(None, (columns.label, columns.cluster))]:
        if name not in row:
            raise InputError(f"there is no column {name!r}: it has {', '.join(map(str, row))}.")


def _group_of(row: Mapping[str, Any], group: Iterable[str]) -> str:
    return ", ".join("(blank)" if is_blank(row[name]) else str(row[name]).strip() for name in group)


def _counted(row: Mapping[str, Any], columns: Columns) -> tuple[bool, ...]:
    answered = row[columns.status] == "answered"
    decision = str(row[columns.decision]) if answered else None
    chosen = decision == columns.favourable
    said = str(row[columns.flipped]).strip().lower() if row[columns.flipped] is not None else ""
    compared, flipped = said in ("true", "false"), said == "true"
    label = None if columns.label is None else row[columns.label]
    labelled = columns.label is not None and not is_blank(label)
    positive = labelled and str(label).strip() == columns.favourable
    negative = labelled and not positive
    right = labelled and answered and decision == str(label).strip()
    return (
        True, answered, chosen, compared, flipped, labelled, right, positive, positive and chosen,
        negative, negative and chosen,
    )  # fmt: skip


def _rate(counts: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """A rate of one group, [1 + draws]; NaN where it is of nothing."""
    hits, trials = (counts[:, COUNTED.index(one)] for one in RATES[name])
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = hits / trials
    return found


def _spread(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rates.max(axis=0) - rates.min(axis=0)
    return found


def _interval(found: NDArray[np.float64], confidence: float) -> Found:
    """The value and the percentiles of the resamples in which it is defined."""
    value, drawn = float(found[0]), found[1:][~np.isnan(found[1:])]
    if np.isnan(value) or not len(drawn):
        return {"value": None if np.isnan(value) else value, "low": None, "high": None}
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return {"value": value, "low": float(low), "high": float(high)}


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return found


_POISSON = np.cumsum(np.exp(-1.0) / np.cumprod([1.0, *np.arange(1.0, 13.0)]))
"""The distribution function of Poisson(1)."""
