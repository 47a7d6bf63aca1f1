"""Intervals of means over samples that were drawn independently, at 95 %."""

from __future__ import annotations

import math

from scipy.special import stdtrit
from torch import Tensor

from leanfair.statistics import Interval


def ratio_of(sums: Tensor, counts: Tensor, least: float, most: float) -> Interval:
    """Sum of `sums` over sum of `counts` (float64 [n] each), one pair a sample, within [`least`,
    `most`].

    The interval is that of the ratio estimator (Cochran 1977, Sampling Techniques, section 6.3)
    with Student's quantile; it has no bounds where fewer than two samples count.
    """
    total, n = float(counts.sum()), int((counts > 0).sum())
    if not total:
        return Interval.none("no sample counts")
    value = float(sums.sum()) / total
    if n < 2:
        return Interval(value, None, None, "a single sample tells nothing of chance")
    squares = float((sums - value * counts).square().sum())
    half = float(stdtrit(n - 1, 0.975)) * math.sqrt(squares * n / (n - 1)) / total
    return Interval.around(value, value - half, value + half, least, most)
