"""Is a mean above a limit? A test by betting that keeps its error rate whenever it is looked at.

For outcomes y from `least` on, and the claim that their mean, given all before, is at most `limit`,
a gambler who stakes a share of the capital on the contrary multiplies it by 1 + b (y - limit), with
a bet b below 1 / (limit - least) that is set beforehand. Where the claim holds, no such capital can
be expected to grow, and by Ville's inequality it ever reaches 1 / alpha with a probability of at
most alpha: however often one looks, and whenever one stops (I. Waudby-Smith and A. Ramdas,
Estimating means of bounded random variables by betting, J. R. Stat. Soc. B 86, 2024). The mean of
several such capitals is one, too: here over a grid of bets, and over gamblers who begin with every
window, so that what begins late is found as well; the one of window w has the share 1 / (w (w + 1))
of the first money. As the outcomes have few values, all this is a function of their counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BETS = np.geomspace(0.002, 0.98, 40)
"""The bets, as shares of the largest one."""
MOST_STARTS = 500
"""Gamblers who play on; the oldest ones leave, and what they had is not counted."""


class Capital:
    """The capital against "the mean is at most `limit`". `values`: those that an outcome may have,
    the least first."""

    def __init__(self, values: Sequence[float], limit: float) -> None:
        self.values = np.array(values, dtype=float)
        self.limit = limit
        self.counts = np.zeros(len(values), dtype=np.int64)
        """How often each value came, in all."""
        reach = limit - self.values[0]
        gains = self.values - limit
        with np.errstate(divide="ignore"):
            self._logs: NDArray[np.float64] = (
                np.log1p(BETS[:, None] / reach * gains)
                if reach > 0
                # The claim is that nothing above the least ever comes: one such refutes it.
                else np.where(gains > 0, np.inf, np.zeros((len(BETS), 1)))
            )
        self._starts: list[NDArray[np.int64]] = []
        self._begun = 0

    def add(self, counts: Sequence[int]) -> None:
        """A window of outcomes: how often each value came."""
        self._begun += 1
        self._starts.append(self.counts.copy())
        del self._starts[:-MOST_STARTS]
        self.counts = self.counts + np.array(counts, dtype=np.int64)

    @property
    def n(self) -> int:
        """How many outcomes there were."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Their mean; NaN where there is none."""
        return float(self.counts @ self.values / self.n) if self.n else float("nan")

    def log(self) -> float:
        """The logarithm of the capital, which began at 0."""
        first = self._begun - len(self._starts) + 1
        windows = np.arange(first, self._begun + 1, dtype=float)
        shares = -np.log(windows) - np.log1p(windows)
        idle = -float(np.log1p(self._begun))  # the money of those who have not begun
        if not self._starts:
            return 0.0
        seen = self.counts - np.array(self._starts)
        with np.errstate(invalid="ignore"):
            terms = np.where(seen[:, None, :] > 0, seen[:, None, :] * self._logs[None], 0.0)
        each = _log_mean(terms.sum(axis=2), axis=1) + shares
        return float(np.logaddexp.reduce([*each, idle]))


def _log_mean(logs: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.logaddexp.reduce(logs, axis=axis) - np.log(logs.shape[axis])
    return found
