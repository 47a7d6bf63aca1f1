"""Centered Kernel Alignment with a linear kernel: how alike two representations are.

Kornblith et al. 2019 (arXiv 1905.00414), equation 3; the debiased form uses the unbiased HSIC of
Song et al. 2012.
"""

from __future__ import annotations

from math import isfinite
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
    x, y = _scaled(_centred(x)), _scaled(_centred(y))
    if debiased:
        return _ratio(_unbiased_hsic(x, y), _unbiased_hsic(x, x), _unbiased_hsic(y, y))
    return max(0.0, _ratio(_alignment(x, y), _alignment(x, x), _alignment(y, y)))


def _matrix(values: Array, name: str) -> Tensor:
    try:
        # NumPy copies, as torch takes no array that is read-only, reversed or of other byte order.
        whole = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values, float))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} has to be numbers [samples, features]: {error}.") from error
    if whole.ndim == 0 or not whole.numel():
        raise InputError(f"{name} has to be [samples, features], but it is empty or a number.")
    matrix = whole.detach().reshape(whole.shape[0], -1).to(torch.float64)
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


def _scaled(x: Tensor) -> Tensor:
    """x with a largest value of 1, so that its fourth powers stay within range."""
    largest = x.abs().max()
    return x / largest if largest > 0.0 else x


def _alignment(x: Tensor, y: Tensor) -> float:
    """||xᵀy||²_F, through whichever of the Gram and the feature matrices is smaller."""
    n, p, q = len(x), x.shape[1], y.shape[1]
    if p * q <= n * n:
        return float((x.T @ y).square().sum())
    return float(((x @ x.T) * (y @ y.T)).sum())


def _unbiased_hsic(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate of HSIC with linear kernels (Song et al. 2012, equation 5), written as
    the inner product of U-centred Gram matrices (Székely and Rizzo 2014, equation 3.2)."""
    n = len(x)
    return float((_u_centred(x) * _u_centred(y)).sum() / (n * (n - 3)))


def _u_centred(x: Tensor) -> Tensor:
    """The Gram matrix without its diagonal, its rows and columns then centred so that they add up
    to 0; exactly 0 where nothing but rounding is left."""
    n = len(x)
    centred = _centred(x)  # the result is the same, but closer to it
    gram = centred @ centred.T
    size = gram.abs().max()
    gram.fill_diagonal_(0.0)
    rows = gram.sum(dim=0) / (n - 2)
    gram = gram - rows - rows[:, None] + gram.sum() / ((n - 1) * (n - 2))
    gram.fill_diagonal_(0.0)
    return torch.where(gram.abs().max() <= 1e-12 * size, 0.0, gram)


def _ratio(xy: float, xx: float, yy: float) -> float:
    if not isfinite(xy + xx + yy):
        raise InputError("The values are too large for CKA: scale them down.")
    if xx <= 0.0 or yy <= 0.0:
        return 0.0
    return float(min(1.0, xy / (xx**0.5 * yy**0.5)))
