"""Two claims about pruned networks, held against what was measured: that accuracy under attack
never falls below the parent's, and that accuracy under corruptions rises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from leanfair.evaluation.robustness.intervals import Paired, difference

Verdict = Literal["holds", "does not hold", "cannot be said"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ruling:
    """What became of a claim. `decisive`: the change that decided, and `where` that was; None and
    empty where there is none."""

    verdict: Verdict
    decisive: Paired | None
    where: str


def never_falls(rows: Sequence[tuple[str, Tensor, Tensor]]) -> Ruling:
    """Whether `after` is in no row (name, before, after: bool [n] each) below `before`.

    It holds where every row's 95 % interval begins at 0 or above, which needs no correction (an
    intersection-union test, Berger 1982); it does not where the interval of some row ends below 0,
    at 95 % for all rows at once (Bonferroni). Rows in which neither network gets anything right
    decide nothing.
    """
    telling = [row for row in rows if bool((row[1] | row[2]).any())]
    if not telling:
        return Ruling("cannot be said", None, "")
    at_once = 1 - (1 - CONFIDENCE) / len(telling)
    wide = [(difference(old, new, at_once), name) for name, old, new in telling]
    worst, where = min(wide, key=lambda pair: pair[0].high)
    if worst.high < 0:
        return Ruling("does not hold", worst, where)
    plain = [(difference(old, new, CONFIDENCE), name) for name, old, new in telling]
    least, place = min(plain, key=lambda pair: pair[0].low)
    return Ruling("holds" if least.low >= 0 else "cannot be said", least, place)


def rises(before: Tensor, after: Tensor) -> Ruling:
    """Whether the mean over images of `after` [n] is above that of `before` [n], shares in 0..1."""
    change = difference(before, after, CONFIDENCE)
    if change.low > 0:
        return Ruling("holds", change, "")
    return Ruling("does not hold" if change.high < 0 else "cannot be said", change, "")
