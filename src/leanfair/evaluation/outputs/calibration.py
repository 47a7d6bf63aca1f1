"""Whether a classifier is as sure as it is right: the expected calibration error of its top answer.

The error is the mean, over bins of equal width and weighted by how many samples are in each, of the
distance between mean confidence and accuracy (Naeini et al. 2015, AAAI, "Obtaining Well Calibrated
Probabilities Using Bayesian Binning"; Guo et al. 2017, arXiv 1706.04599, with 15 bins). On few
samples it is larger than it would be on many, for both networks alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leanfair.statistics import Interval

BINS = 15
DRAWS = 1000
_CHUNK = 4_000_000
"""The most numbers that are held at once while resampling."""


@dataclass(frozen=True)
class Bin:
    """The samples whose confidence lies in (`low`, `high`]: how many, their mean confidence, and
    the share of right ones; both 0 where there is none."""

    low: float
    high: float
    samples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How sure a network is of its top answer, and whether that is right: `confidence` float64 [n],
    and `right` bool [n]."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]

    @property
    def places(self) -> NDArray[np.int64]:
        """The bin of each sample, [n]."""
        edges = np.linspace(0, 1, BINS + 1)[1:-1]
        return np.searchsorted(edges, self.confidence, side="left").astype(np.int64)

    @property
    def error(self) -> float:
        """The expected calibration error, 0 at best, 1 at most."""
        gaps = np.bincount(self.places, self.confidence - self.right, minlength=BINS)
        return float(np.abs(gaps).sum() / len(self.right))

    @property
    def bins(self) -> list[Bin]:
        """What the reliability diagram shows."""
        places = self.places
        counts = np.bincount(places, minlength=BINS)
        sums = np.maximum(counts, 1)
        sure = np.bincount(places, self.confidence, minlength=BINS) / sums
        right = np.bincount(places, self.right, minlength=BINS) / sums
        return [
            Bin(i / BINS, (i + 1) / BINS, int(counts[i]), float(sure[i]), float(right[i]))
            for i in range(BINS)
        ]


def calibration_of(logits: Tensor, labels: Tensor) -> Calibration:
    """That of a classifier with one true class: logits [n, classes], labels [n]."""
    confidence, guess = torch.softmax(logits.double(), dim=1).max(dim=1)
    return Calibration(confidence.numpy(), (guess == labels).numpy())


def error_difference(parent: Calibration, child: Calibration, seed: int) -> Interval:
    """The child's calibration error less the parent's, with a paired bootstrap interval: samples
    are drawn anew, the same for both."""
    n, rng = len(parent.right), np.random.default_rng(seed)
    value = child.error - parent.error
    gaps = np.zeros((n, 2 * BINS))
    rows = np.arange(n)
    gaps[rows, parent.places] = parent.confidence - parent.right
    gaps[rows, BINS + child.places] = child.confidence - child.right
    found: list[NDArray[np.float64]] = []
    size = max(1, _CHUNK // n)
    for start in range(0, DRAWS, size):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(size, DRAWS - start))
        sums = np.abs(drawn @ gaps) / n
        found.append(sums[:, BINS:].sum(axis=1) - sums[:, :BINS].sum(axis=1))
    half = float(np.quantile(np.abs(np.concatenate(found) - value), 0.95))
    return Interval.around(value, value - half, value + half, -1.0, 1.0)
