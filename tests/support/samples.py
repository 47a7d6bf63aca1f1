"""Simulated samples of rates, and how often the intervals of such samples hold the true number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from leanfair.statistics import Interval, Rates, Resampling, resampled

DRAWS = 300
"""Small bootstraps: that costs no coverage."""


def sample(sizes: Sequence[int], rates: Sequence[float], rng: np.random.Generator) -> Rates:
    """One column of rates, of so many rows a group."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    hits = rng.random(len(groups)) < np.repeat(rates, sizes)
    rows = Resampling(np.arange(len(groups)), draws=DRAWS)
    return resampled(hits[:, None], np.ones((len(groups), 1)), groups, rows, rng)


def coverage(once: Callable[[np.random.Generator], Interval], truth: float, times: int) -> float:
    """How often the interval of a fresh sample holds the truth."""
    rng = np.random.default_rng(2506)
    held = 0
    for _ in range(times):
        found = once(rng)
        assert found.low is not None
        assert found.high is not None
        held += found.low - 1e-12 <= truth <= found.high + 1e-12
    return held / times


def paired(
    before: Sequence[float], after: Sequence[float], size: int, rng: np.random.Generator
) -> Rates:
    """Two decisions for each row, which agree more than chance would make them."""
    groups = np.repeat(np.arange(len(before)), size)
    first = rng.random(len(groups))
    second = np.where(rng.random(len(groups)) < 0.6, first, rng.random(len(groups)))
    hits = np.stack([first < np.asarray(before)[groups], second < np.asarray(after)[groups]], 1)
    rows = Resampling(np.arange(len(groups)), draws=DRAWS)
    return resampled(hits, np.ones_like(hits), groups, rows, rng)
