"""Paired intervals over images: of a difference of shares, of a difference of ratios, and of the
mean corruption error. An image is what was drawn; all that was made of it stays together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from torch import Tensor

DRAWS = 2000


@dataclass(frozen=True)
class Paired:
    """A number before and after, on the same images, and the change with its interval."""

    before: float
    after: float
    value: float
    low: float
    high: float


def difference(before: Tensor, after: Tensor, confidence: float = 0.95) -> Paired:
    """The change of a mean over images, of `before` [n] and `after` [n] in 0..1.

    Of yes or no it is the interval of Agresti and Min (2005, Statistics in Medicine 24, section 3),
    Wald's with half an image more in each of the four cells; of shares the same formula, in which
    the variance between images takes the place of that of matched pairs.
    """
    first, second = before.double(), after.double()
    apart, n = second - first, len(first)
    centre = float(apart.sum()) / (n + 2)
    variance = float(apart.square().sum()) + 1 - float(apart.sum()) ** 2 / (n + 2)
    half = _z(confidence) * math.sqrt(variance) / (n + 2)
    value = float(apart.mean())
    low, high = min(value, centre - half), max(value, centre + half)
    return Paired(float(first.mean()), float(second.mean()), value, max(-1.0, low), min(1.0, high))


def kept(
    clean: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], confidence: float = 0.95
) -> Paired | None:
    """The change of the share that stays right, among the images that each network gets right when
    nothing is done to them. `clean`, `right`: of both networks, bool [n]. None where one gets
    nothing right.

    The interval is that of a difference of two ratio estimators (Cochran 1977, section 6.3), with
    half an image more in each cell, as in `difference`.
    """
    asked = [each.double() for each in clean]
    stays = [one.double() * two.double() for one, two in zip(clean, right, strict=True)]
    if not all(float(each.sum()) for each in asked):
        return None
    shares = [float(s.sum() / a.sum()) for s, a in zip(stays, asked, strict=True)]
    parts = [(s - share * a) / a.mean() for s, a, share in zip(stays, asked, shares, strict=True)]
    apart, n = parts[1] - parts[0], len(asked[0])
    pseudo = 1 / float(asked[0].mean() * asked[1].mean())
    half = _z(confidence) * math.sqrt(float(apart.square().sum()) + pseudo) / (n + 2)
    value = shares[1] - shares[0]
    return Paired(shares[0], shares[1], value, max(-1.0, value - half), min(1.0, value + half))


@dataclass(frozen=True)
class RelativeError:
    """The mean over corruptions of the child's errors over the parent's, and its interval. `each`:
    for every corruption the quotient, None where the parent makes no error; such are left out."""

    value: float | None
    low: float | None
    high: float | None
    each: tuple[float | None, ...]


def relative_error(before: Tensor, after: Tensor, *, seed: int = 0) -> RelativeError:
    """How the errors under corruptions changed: the mean corruption error of Hendrycks and
    Dietterich (2019, arXiv 1903.12261, section 4.2) with the parent as their baseline.

    `before`, `after`: what both get right, bool [corruptions, severities, n]. The interval is the
    2.5th to 97.5th percentile of resamples of the images; None where in many of them the parent
    makes no error.
    """
    wrong = [(~each).double().sum(dim=1).numpy() for each in (before, after)]  # [corruptions, n]
    sums = [each.sum(axis=1) for each in wrong]
    made = sums[0] > 0
    each = tuple(float(two / one) if one > 0 else None for one, two in zip(*sums, strict=True))
    if not made.any():
        return RelativeError(None, None, None, each)
    value = float((sums[1][made] / sums[0][made]).mean())
    n = wrong[0].shape[1]
    counts = np.random.default_rng([seed, 0xCE]).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    old, new = (counts @ part[made].T for part in wrong)
    whole = (old > 0).all(axis=1)
    if whole.mean() < 0.99:
        return RelativeError(value, None, None, each)
    drawn = (new[whole] / old[whole]).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return RelativeError(value, float(min(low, value)), float(max(high, value)), each)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
