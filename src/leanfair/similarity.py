"""Centered Kernel Alignment with a linear kernel: how alike two representations are.

Kornblith et al. 2019 (arXiv 1905.00414), equation 3; the debiased form of Song et al. 2012 and, in
minibatches, Nguyen et al. 2021 (arXiv 2010.15327, equation 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from leanfair.errors import InputError

Array: TypeAlias = "Tensor | np.ndarray[Any, Any]"


def cka(X: Array, Y: Array, debiased: bool = False) -> float:
    """Linear CKA of two representations of the same samples, 1 where they are alike.

    X [n, p] and Y [n, q], arrays or tensors; further dimensions are flattened. With centred
    columns, ||XᵀY||²_F / (||XᵀX||_F ||YᵀY||_F): in [0, 1], unchanged by rotations and by one scale
    for all features. `debiased` uses the unbiased HSIC estimate instead, right for few samples; it
    may fall a little below 0. A representation that is constant over the samples shares nothing
    with any other: 0. Raises InputError where the samples do not pair up or are too few (2, and 4
    debiased), or where a value is not finite.
    """
    x, y = _matrix(X, "X"), _matrix(Y, "Y")
    _check_pairs(x, y, least=4 if debiased else 2)
    if debiased:
        return _ratio(_unbiased_hsic(x, y), _unbiased_hsic(x, x), _unbiased_hsic(y, y))
    x, y = _centred(x), _centred(y)
    return _ratio(_alignment(x, y), _alignment(x, x), _alignment(y, y))


def minibatch_cka(pairs: Iterable[tuple[Array, Array]]) -> float:
    """Debiased linear CKA, from minibatches (X [n, p], Y [n, q]) of at least 4 samples each.

    The unbiased HSIC estimates are averaged over the minibatches before the ratio is taken, so that
    the whole representation is never held at once. Raises InputError where there is no minibatch.
    """
    total = [0.0, 0.0, 0.0]
    for X, Y in pairs:
        x, y = _matrix(X, "X"), _matrix(Y, "Y")
        _check_pairs(x, y, least=4)
        for i, (a, b) in enumerate(((x, y), (x, x), (y, y))):
            total[i] += _unbiased_hsic(a, b)
    if not any(total):
        raise InputError("minibatch_cka needs at least one minibatch that is not constant.")
    return _ratio(*total)


def _matrix(values: Array, name: str) -> Tensor:
    matrix = torch.as_tensor(values).detach()
    if matrix.ndim == 0 or not matrix.numel():
        raise InputError(f"{name} has to be [samples, features], but it is empty or a number.")
    matrix = matrix.reshape(matrix.shape[0], -1).to(torch.float64)
    if not bool(torch.isfinite(matrix).all()):
        raise InputError(f"{name} has a value that is not finite.")
    return matrix


def _check_pairs(x: Tensor, y: Tensor, least: int) -> None:
    if len(x) != len(y):
        raise InputError(f"X and Y must have the same samples, but have {len(x)} and {len(y)}.")
    if len(x) < least:
        raise InputError(f"CKA needs at least {least} samples here, but got {len(x)}.")


def _centred(x: Tensor) -> Tensor:
    """x with columns of mean 0, and exactly 0 where they vary by no more than rounding."""
    centred = x - x.mean(dim=0, keepdim=True)
    rounding = 1e-12 * x.abs().amax(dim=0, keepdim=True)
    return torch.where(centred.abs().amax(dim=0, keepdim=True) <= rounding, 0.0, centred)


def _alignment(x: Tensor, y: Tensor) -> float:
    """||xᵀy||²_F, through whichever of the Gram and the feature matrices is smaller."""
    n, p, q = len(x), x.shape[1], y.shape[1]
    if p * q <= n * n:
        return float((x.T @ y).square().sum())
    return float(((x @ x.T) * (y @ y.T)).sum())


def _unbiased_hsic(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate of HSIC with linear kernels (Song et al. 2012, equation 5)."""
    n = len(x)
    # Centring changes no inner product's dependence and keeps the sums below from cancelling.
    gram, other = (z @ z.T for z in (_centred(x), _centred(y)))
    gram.fill_diagonal_(0.0)
    other.fill_diagonal_(0.0)
    trace = (gram * other).sum()
    means = gram.sum() * other.sum() / ((n - 1) * (n - 2))
    cross = 2.0 * (gram.sum(dim=0) @ other.sum(dim=0)) / (n - 2)
    return float((trace + means - cross) / (n * (n - 3)))


def _ratio(xy: float, xx: float, yy: float) -> float:
    if xx <= 0.0 or yy <= 0.0:
        return 0.0
    return float(min(1.0, xy / (xx**0.5 * yy**0.5)))
