"""The answers to every row's variations, each asked once, and the decisions of every rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leanfair.errors import InputError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.metrics.coverage import RowReading, row_readings
from leanfair.fairness.metrics.rates import Decided
from leanfair.fairness.rules import Outcome, decide_by, is_flipped, varied_of
from leanfair.fairness.tables.pairs import Pairs
from leanfair.fairness.types import Item, Variation, Varied
from leanfair.fairness.variations.placebo import (
    Placebo,
    PlaceboVariations,
    changed_fields,
    placebos,
)
from leanfair.fairness.variations.varier import Varier

Progress = Callable[[int, int], None]
"""Called with the number of answered rows and the number of all rows."""

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Evidence:
    """The answers of an audit.

    `sets`: for each row its variations, one of them the original. `blinded`: each row without the
    attribute, where a rule needs it. `placebo_varied`: those of its placebo. `asked`: the
    number of distinct prompts. `readings`: how far each row was understood; empty where nothing
    was varied. `unseen`: whether all that varies is in fields that the prompt does not show.
    `stands`: of a table with pairs of rows, whether a row stands for its pair, so that each pair
    counts once.
    """

    sets: Sequence[tuple[Varied, ...]]
    blinded: Sequence[Varied] | None
    placebo_varied: Sequence[tuple[Varied, ...]]
    placebo: PlaceboVariations
    options: tuple[str, ...]
    asked: int
    readings: Sequence[RowReading]
    unseen: bool
    stands: Sequence[bool] | None = None

    @property
    def directed(self) -> list[tuple[Varied, ...]]:
        """The variations of each row whose values are known to be those of the person decided
        about; of the other rows the original alone."""
        known = [row.clear for row in self.readings] or [True] * len(self.sets)
        return [
            tuple(found) if clear else tuple(one for one in found if one.original)
            for found, clear in zip(self.sets, known, strict=True)
        ]

    @property
    def counted(self) -> list[tuple[Varied, ...]]:
        """The same, but of a pair the first row alone has both, so that each pair counts once."""
        stands = self.stands or [True] * len(self.sets)
        return [
            found if one else tuple(v for v in found if v.original)
            for found, one in zip(self.directed, stands, strict=True)
        ]

    def flipped(self) -> list[bool | None]:
        """For each row whether its variations are decided differently, None where unknown."""
        flips = [is_flipped(found) for found in self.sets]
        if self.stands is None:
            return flips
        return [flip if one else None for flip, one in zip(flips, self.stands, strict=True)]

    def placebo_flipped(self) -> list[bool | None]:
        """The same for the placebo variations of each row."""
        return [is_flipped(found) for found in self.placebo_varied]

    def outcomes(self, rule: str) -> list[Outcome]:
        """The decision of the rule about each row."""
        return [self._decided(rule, i, found) for i, found in enumerate(self.sets)]

    def flips_of(self, rule: str) -> list[bool | None]:
        """For each row whether the rule would decide otherwise if another variation had come in."""
        flips: list[bool | None] = []
        for i, varied in enumerate(self.sets):
            rotated = (_with_original(varied, j) for j in range(len(varied)))
            outcomes = {self._decided(rule, i, one)[::2] for one in rotated}
            known = {one for one in outcomes if one[1] != "failed"}
            silent = len(varied) < 2 or not known or all(label is None for label, _ in known)
            flips.append(None if silent else len(known) > 1)
        return flips

    def passes(self, rule: str) -> int:
        """The number of prompts that a judge under this rule needs for these rows; none for
        decisions that exist."""
        if not self.asked:
            return 0
        return len(self.sets) if rule in ("none", "blind") else sum(map(len, self.sets))

    def _decided(self, rule: str, row: int, varied: Sequence[Varied]) -> Outcome:
        if rule == "blind" and self.blinded is not None:
            return decide_by(rule, [self.blinded[row]], self.options)
        return decide_by(rule, varied, self.options)


def _with_original(varied: Sequence[Varied], place: int) -> list[Varied]:
    """The same variations as if the one at `place` had come in."""
    return [replace(one, original=j == place) for j, one in enumerate(varied)]


def decided(outcomes: Sequence[Outcome], truth: Sequence[str] | None, favourable: str) -> Decided:
    """Decisions as arrays; without `truth` none is called correct."""
    labels = [label for label, _, _ in outcomes]
    truth = [""] * len(labels) if truth is None else truth
    return Decided(
        np.array([label == favourable for label in labels], bool),
        np.array([label is not None for label in labels], bool),
        np.array([label == true for label, true in zip(labels, truth, strict=True)], bool),
    )


def favourable_by_value(
    sets: Sequence[Sequence[Varied]], values: Sequence[str], favourable: str
) -> NDArray[np.float64]:
    """[n, values]: 1 where the row's variation of that value gets the favourable decision, 0 where
    it does not, NaN where the row has no variation of that value."""
    places = {value: j for j, value in enumerate(values)}
    found = np.full((len(sets), len(values)), np.nan)
    for i, varied in enumerate(sets):
        for one in varied if len(varied) > 1 else ():
            found[i, places[one.value]] = one.label == favourable
    return found


# ---- asking -------------------------------------------------------------------------------------


def gather(
    judge: Decider,
    items: Sequence[Item],
    varier: Varier | None,
    *,
    blind: bool,
    placebo: Placebo,
    slots: Sequence[str] | None,
    seed: int,
    known: Sequence[Mapping[str, str]] | None = None,
    progress: Progress | None = None,
    numbers: Sequence[int] | None = None,
) -> Evidence:
    """Ask `judge` about every variation of every item, and their placebo, each once. `known`: for
    each item attribute -> value of the person whom it is about, where the table tells it.
    `numbers`: what messages call the items by, where that is not their place."""
    rows = numbers or range(1, len(items) + 1)
    named = list(zip(rows, items, strict=True))
    plain = [(_as_it_is(item),) for item in items]
    sets = plain if varier is None else varier.sets(items, rows, known)
    bare = [_blinded(item, varier, row) for row, item in named] if blind else []
    attributes = varier.attributes if varier is not None else []
    made = placebos(placebo, items, sets, attributes, slots, seed)
    asked = [
        [*found, *bare[i : i + 1], *_as_variations(made.items[i])] for i, found in enumerate(sets)
    ]
    answered = _answered(judge, asked, rows, progress)
    ends = [len(found) for found in sets]
    return Evidence(
        sets=[tuple(one[:k]) for one, k in zip(answered, ends, strict=True)],
        blinded=[one[k] for one, k in zip(answered, ends, strict=True)] if blind else None,
        placebo_varied=[tuple(one[k + blind :]) for one, k in zip(answered, ends, strict=True)],
        placebo=made,
        options=tuple(judge.options),
        asked=len({_key(v.item, slots) for each in asked for v in each}) if judge.varies else 0,
        readings=[] if varier is None else row_readings(sets),
        unseen=_unseen(sets, slots),
    )


def paired(evidence: Evidence, pairs: Pairs) -> Evidence:
    """The same, with the rows of each row's pair as its variations."""
    own = [found[0] for found in evidence.sets]
    sets = [
        tuple(replace(own[j], value=pairs.values[j], original=j == i) for j in members)
        for i, members in enumerate(pairs.members)
    ]
    why = "pairs of rows have no placebo"
    return replace(
        evidence, sets=sets, stands=pairs.stands, placebo=replace(evidence.placebo, reason=why)
    )


def _answered(
    judge: Decider,
    asked: Sequence[Sequence[Variation]],
    numbers: Sequence[int],
    progress: Progress | None,
) -> list[list[Varied]]:
    """The answers to all variations. They go to the judge at once, which can compute together what
    they share; with `progress`, in portions of some rows each."""
    found: list[list[Varied]] = []
    size = len(asked) if progress is None else _ROWS_AT_ONCE
    for start in range(0, len(asked), size):
        part = asked[start : start + size]
        rows = [numbers[start + i] for i, each in enumerate(part) for _ in each]
        answers = iter(judge.answers([one.item for each in part for one in each], rows=rows))
        for each in part:
            found.append([varied_of(one, next(answers), judge.options) for one in each])
        if progress is not None:
            progress(start + len(part), len(asked))
    return found


def _blinded(item: Item, varier: Varier | None, row: int) -> Variation:
    if varier is None:
        raise InputError("The rule 'blind' needs an attribute: what is not to be seen?")
    try:
        return varier.blinded(item)
    except InputError as error:
        raise InputError(f"{name_rows([row])} of the table: {error}") from error


def _as_it_is(item: Item, value: str = "", original: bool = True) -> Variation:
    if isinstance(item, str):
        return Variation(value, item, (), original)
    text = "\n".join(f"{name}: {content}" for name, content in item.items())
    return Variation(value, text, (), original, item)


def _as_variations(items: Sequence[Item]) -> list[Variation]:
    """The first stands for the original, to compare the others with."""
    return [_as_it_is(item, f"placebo {j + 1}", j == 0) for j, item in enumerate(items)]


def _key(item: Item, slots: Sequence[str] | None) -> object:
    """The content of an item that the prompt shows: equal prompts are asked once."""
    if isinstance(item, str):
        return item
    return tuple((k, str(v)) for k, v in item.items() if slots is None or k in slots)


def _unseen(sets: Sequence[Sequence[Variation]], slots: Sequence[str] | None) -> bool:
    varied = [found for found in sets if len(found) > 1 and found[0].record is not None]
    if slots is None or not varied:
        return False
    return not any(changed_fields(found) & set(slots) for found in varied)
