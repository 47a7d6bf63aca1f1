"""Centered Kernel Alignment with a linear kernel: how alike two representations are.

Kornblith et al. 2019 (arXiv 1905.00414), equation 3; the debiased form uses the unbiased HSIC of
Song et al. 2012.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.similarity.products import Products
from leanfair.similarity.whole import aligned

Array: TypeAlias = "Tensor | np.ndarray[Any, Any]"

Pair: TypeAlias = tuple[Array, Array]
"""Two representations of the same samples."""

SLICE = 4096
"""Rows that are reckoned with at a time: a large batch is not copied as a whole."""


def cka(X: Array, Y: Array, debiased: bool = False) -> float:
    """Linear CKA of two representations of the same samples, 1 where they are alike.

    X [n, p] and Y [n, q], arrays or tensors; further dimensions are flattened. With centred
    columns, ||XᵀY||²_F / (||XᵀX||_F ||YᵀY||_F): in [0, 1], unchanged by rotations and by one scale
    for all features. `debiased` uses the unbiased HSIC estimate instead, right for few samples; it
    may fall a little below 0. A representation that is constant over the samples shares nothing
    with any other: 0. Raises InputError where the samples do not pair up or are too few (2, and 4
    debiased), or where a value is not finite.
    """
    if min(_length(X), _length(Y)) > SLICE:
        _check_pairs(X, Y, least=4)
        return streamed_cka(_sliced(X, Y), debiased)
    x, y = _matrix(X, "X"), _matrix(Y, "Y")
    _check_pairs(x, y, least=4 if debiased else 2)
    return aligned(x, y, debiased)


def streamed_cka(batches: Iterable[Pair], debiased: bool = False) -> float:
    """The `cka` of representations that come in batches, X [b, p] and Y [b, q] of any b, in one
    pass whose memory does not grow with the number of samples.

    Rows are kept only while they take less room than the products of features XᵀX, XᵀY and YᵀY;
    then they are added to these, whose size is fixed, and forgotten. Equal to `cka` but for
    rounding. Raises InputError as `cka` does, and where the number of features changes on the way.
    """
    least = 4 if debiased else 2
    rows: list[tuple[Tensor, Tensor]] = []
    waiting, products = 0, None
    for X, Y in batches:
        x, y = _matrix(X, "X"), _matrix(Y, "Y")
        _check_pairs(x, y, least=1)
        p, q = x.shape[1], y.shape[1]
        if rows and (p, q) != (rows[0][0].shape[1], rows[0][1].shape[1]):
            raise InputError("The number of features has to be the same in every batch.")
        rows.append((x, y))
        waiting += len(x)
        if waiting * (p + q) > _room(p, q):
            products = _add(rows, products, debiased)
            rows, waiting = [(x[:0], y[:0])], 0
    if not rows:
        raise InputError("CKA needs at least one batch of samples, but got none.")
    if products is None:
        x, y = _joined(rows)
        _check_pairs(x, y, least)
        return aligned(x, y, debiased)
    products = _add(rows, products, debiased)
    _check_count(products.n, least)
    return products.cka()


def _room(p: int, q: int) -> int:
    """How many numbers the products of features are."""
    return p * p + p * q + q * q


def _joined(rows: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.cat([x for x, _ in rows]), torch.cat([y for _, y in rows])


def _length(values: Array) -> int:
    """How many samples an array has; 0 for what is none."""
    return len(values) if isinstance(values, (Tensor, np.ndarray)) and values.ndim else 0


def _sliced(x: Array, y: Array) -> Iterator[Pair]:
    for start in range(0, len(x), SLICE):
        yield x[start : start + SLICE], y[start : start + SLICE]


def _add(rows: list[tuple[Tensor, Tensor]], products: Products | None, debiased: bool) -> Products:
    """The `products` with these rows, too."""
    x, y = _joined(rows)
    if products is None:
        products = Products.beginning(x, y, debiased)
    for start in range(0, len(x), SLICE):
        products.add(x[start : start + SLICE], y[start : start + SLICE])
    return products


def _matrix(values: Array, name: str) -> Tensor:
    """Samples and features in double precision, [n, p]; `name` is what an error calls them."""
    try:
        # NumPy copies, as torch takes no array that is read-only, reversed or of other byte order.
        whole = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values, float))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} has to be numbers [samples, features]: {error}.") from error
    if whole.ndim == 0 or not whole.numel():
        raise InputError(f"{name} has to be [samples, features], but it is empty or a number.")
    rows = whole.detach().reshape(whole.shape[0], -1).to(torch.float64)
    if not bool(torch.isfinite(rows).all()):
        raise InputError(f"{name} has a value that is not finite.")
    return rows


def _check_pairs(x: Array, y: Array, least: int) -> None:
    """Raise InputError unless `x` and `y` have the same samples, and at least so many."""
    if len(x) != len(y):
        raise InputError(f"X and Y must have the same samples, but have {len(x)} and {len(y)}.")
    _check_count(len(x), least)


def _check_count(n: int, least: int) -> None:
    """Raise InputError where `n` samples are fewer than `least`."""
    if n < least:
        raise InputError(f"CKA needs at least {least} samples here, but got {n}.")
