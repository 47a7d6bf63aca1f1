"""Exact tests of changes from parent to child, where each row changed by -1, 0 or 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from leanfair.statistics import Bools, Floats, Ints

_CELLS = 4_000_000
"""With more tables than this the distribution is replaced by its normal approximation."""


def group_against_rest(changes: ArrayLike, here: ArrayLike) -> float:
    """The exact two-sided p-value that the rows of a group changed as all others did.

    `changes` [n]: -1, 0 or 1 for each independent row; `here` [n]: whether it is of the group. A
    permutation test: under the null hypothesis every set of as many rows is as likely to be the
    group, so that its losses and wins follow a multivariate hypergeometric distribution, which is
    summed over all tables whose mean change lies as far from the expected one as that seen. Where
    nothing is lost (or won) it is a two-sided test of one hypergeometric number. Above four million
    tables, the normal approximation of that distribution.
    """
    moved, group = np.asarray(changes, np.int64), np.asarray(here, bool)
    n, size = len(moved), int(group.sum())
    lost, won = int((moved < 0).sum()), int((moved > 0).sum())
    if not (lost or won) or size in (0, n):
        return 1.0
    mean = size * (won - lost) / n
    reached = abs(float(moved[group].sum()) - mean) - 1e-9
    if (lost + 1) * (won + 1) > _CELLS:
        return _normal(moved, size, reached)
    losses, wins = np.arange(lost + 1)[:, None], np.arange(won + 1)[None, :]
    rest = size - losses - wins
    weights = _logs(lost, losses) + _logs(won, wins) + _logs(n - lost - won, rest)
    chances = np.exp(weights - _logs(n, np.array(size)))
    far = np.abs(wins - losses - mean) >= reached
    return float(min(1.0, chances[far].sum()))


def _logs(among: int, chosen: Ints) -> Floats:
    """The logarithm of how many ways there are to choose, -inf where there is none."""
    possible: Bools = (chosen >= 0) & (chosen <= among)
    inside: NDArray[np.int64] = np.clip(chosen, 0, among)
    ways = gammaln(among + 1) - gammaln(inside + 1) - gammaln(among - inside + 1)
    found: Floats = np.where(possible, ways, -np.inf)
    return found


def _normal(moved: Ints, size: int, reached: float) -> float:
    """The same by the mean and the variance of a sum of `size` rows drawn without replacement."""
    from scipy.stats import norm

    n = len(moved)
    spread = np.sqrt(size * (n - size) / (n - 1) * moved.var())
    return float(min(1.0, 2 * norm.sf(max(0.0, reached) / spread)))
