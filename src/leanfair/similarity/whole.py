"""CKA of two representations in memory, through the Gram or the feature matrices."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from leanfair.errors import InputError


def aligned(x: Tensor, y: Tensor, debiased: bool) -> float:
    """The CKA of rows of double precision, x [n, p] and y [n, q]."""
    x, y = _scaled(_centred(x)), _scaled(_centred(y))
    if debiased:
        return ratio(_unbiased_hsic(x, y), _unbiased_hsic(x, x), _unbiased_hsic(y, y))
    return max(0.0, ratio(_alignment(x, y), _alignment(x, x), _alignment(y, y)))


def _centred(x: Tensor) -> Tensor:
    """x with columns of mean 0, and exactly 0 where they vary by no more than rounding."""
    low, high = x.aminmax(dim=0)
    centred = x - x.mean(dim=0)
    spread = torch.maximum(*(each.abs() for each in centred.aminmax(dim=0)))
    centred[:, spread <= 1e-12 * torch.maximum(low.abs(), high.abs())] = 0.0
    return centred


def _scaled(x: Tensor) -> Tensor:
    """x, in place, with a largest value of 1, so that its fourth powers stay within range."""
    largest = max(abs(float(end)) for end in x.aminmax())
    return x.div_(largest) if largest > 0.0 else x


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


def ratio(xy: float, xx: float, yy: float) -> float:
    """What two representations share, `xy`, over the geometric mean of what each has, at most 1;
    0 where one has nothing."""
    if not isfinite(xy + xx + yy):
        raise InputError("The values are too large for CKA: scale them down.")
    if xx <= 0.0 or yy <= 0.0:
        return 0.0
    return float(min(1.0, xy / (xx**0.5 * yy**0.5)))
