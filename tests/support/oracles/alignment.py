"""Centered Kernel Alignment by its definitions: centring matrices, loops, and all 4-tuples."""

from __future__ import annotations

from itertools import permutations
from math import sqrt

import numpy as np


def pair(seed: int, n: int, p: int, q: int) -> tuple[np.ndarray, np.ndarray]:
    """Two representations that share something, with offsets and scales of their own."""
    draw = np.random.default_rng(seed)
    common = draw.normal(size=(n, 2))
    x = common @ draw.normal(size=(2, p)) + draw.normal(size=(n, p)) + 10 * draw.normal(size=p)
    y = common @ draw.normal(size=(2, q)) + draw.normal(size=(n, q)) * 3
    return x, y


def hsic(x: np.ndarray, y: np.ndarray) -> float:
    """The biased HSIC, trace(K H L H) / (n - 1)², entry by entry (Gretton et al. 2005)."""
    n = len(x)
    h = np.array([[(i == j) - 1.0 / n for j in range(n)] for i in range(n)])
    k, other = _gram(x), _gram(y)
    product = k @ h @ other @ h
    return float(sum(product[i, i] for i in range(n))) / (n - 1) ** 2


def hsic_u_statistic(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased HSIC as a U-statistic over all ordered 4-tuples (Song et al. 2012, eq. 4)."""
    k, other = _gram(x), _gram(y)
    terms = [
        k[i, j] * (other[i, j] + other[q, r] - 2.0 * other[i, q])
        for i, j, q, r in permutations(range(len(x)), 4)
    ]
    return float(np.sum(terms)) / len(terms)


def cka(x: np.ndarray, y: np.ndarray, debiased: bool = False) -> float:
    """HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y))."""
    measure = hsic_u_statistic if debiased else hsic
    return measure(x, y) / sqrt(measure(x, x) * measure(y, y))


def _gram(x: np.ndarray) -> np.ndarray:
    n = len(x)
    return np.array([[float(np.dot(x[i], x[j])) for j in range(n)] for i in range(n)])
