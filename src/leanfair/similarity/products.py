"""The products of features that CKA is reckoned from, summed up over samples that are not kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from leanfair.similarity.whole import ratio

BLOCK = 128
"""Columns of a symmetric product that are reckoned at a time."""


@dataclass(frozen=True)
class _Origin:
    """Where the rows are measured from, [p], and their unit: what the first of them tell, so that
    sums of products stay small beside what is wanted of them."""

    mean: Tensor
    unit: float

    @classmethod
    def of(cls, x: Tensor) -> _Origin:
        mean = x.mean(dim=0)
        return cls(mean, float((x - mean).abs().max()) or float(x.abs().max()) or 1.0)

    def of_rows(self, x: Tensor) -> Tensor:
        return (x - self.mean).div_(self.unit)


@dataclass
class _Sums:
    """Sums over the samples i of one representation, from its origin: of the rows xᵢ [p], of their
    squared lengths |xᵢ|², and the least and the largest value of each feature as it came."""

    rows: Tensor
    lengths: float
    low: Tensor
    high: Tensor

    @classmethod
    def beginning(cls, x: Tensor) -> _Sums:
        zeros = x.new_zeros(x.shape[1])
        return cls(zeros, 0.0, zeros + torch.inf, zeros - torch.inf)

    def add(self, raw: Tensor, x: Tensor, lengths: Tensor | None) -> None:
        self.rows += x.sum(dim=0)
        self.lengths += 0.0 if lengths is None else float(lengths.sum())
        low, high = raw.aminmax(dim=0)
        torch.minimum(self.low, low, out=self.low)
        torch.maximum(self.high, high, out=self.high)

    def varies(self) -> Tensor:
        """Whether each feature varies by more than rounding, as for samples in memory."""
        return self.high - self.low > 1e-12 * torch.maximum(self.high.abs(), self.low.abs())


@dataclass
class _Cross:
    """Sums over the samples of two representations: Σ xᵢyᵢᵀ [p, q], Σ|yᵢ|²xᵢ [p], Σ|xᵢ|²yᵢ [q] and
    Σ|xᵢ|²|yᵢ|²."""

    product: Tensor
    x_by_length: Tensor
    y_by_length: Tensor
    lengths: float

    @classmethod
    def beginning(cls, x: Tensor, y: Tensor) -> _Cross:
        p, q = x.shape[1], y.shape[1]
        return cls(x.new_zeros(p, q), x.new_zeros(p), y.new_zeros(q), 0.0)

    def add(self, x: Tensor, y: Tensor, x_lengths: Tensor | None, y_lengths: Tensor | None) -> None:
        if x is y:  # of a symmetric product half will do
            for at in range(0, x.shape[1], BLOCK):
                part = x[:, at : at + BLOCK]
                self.product[at : at + BLOCK, at:].addmm_(part.T, x[:, at:])
        else:
            self.product.addmm_(x.T, y)
        if x_lengths is not None and y_lengths is not None:
            self.x_by_length += y_lengths @ x
            self.y_by_length += x_lengths @ y
            self.lengths += float(x_lengths @ y_lengths)

    def mirrored(self) -> _Cross:
        """That of a representation with itself, of whose product only one half was summed up."""
        whole = self.product.triu() + self.product.triu(1).T
        return replace(self, product=whole)

    def alignment(self, n: int, x: _Sums, y: _Sums) -> float:
        """||XᵀY||²_F of centred columns."""
        centred = self.product - torch.outer(x.rows, y.rows) / n
        return float((centred * x.varies()[:, None] * y.varies()).square().sum())

    def unbiased_hsic(self, n: int, x: _Sums, y: _Sums) -> float:
        """The unbiased HSIC, by equation 5 of Song et al. 2012 with each term of the Gram
        matrices K and L without diagonals written in sums over samples."""
        if not (x.varies().any() and y.varies().any()):
            return 0.0
        traces = float(self.product.square().sum()), self.lengths  # tr KL = first - second
        ones_k, ones_l = (float(s.rows @ s.rows) - s.lengths for s in (x, y))
        between = (
            float(x.rows @ self.product @ y.rows)
            - float(x.rows @ self.x_by_length)
            - float(y.rows @ self.y_by_length)
            + self.lengths
        )
        total = ones_k * ones_l / ((n - 1) * (n - 2)) - 2.0 * between / (n - 2)
        found = traces[0] - traces[1] + total
        return found / (n * (n - 3)) if abs(found) > 1e-12 * traces[0] else 0.0


@dataclass
class Products:
    """All that CKA needs to know of the `n` samples so far; what only its `debiased` form needs is
    summed up for that alone."""

    debiased: bool
    origins: tuple[_Origin, _Origin]
    x: _Sums
    y: _Sums
    xy: _Cross
    xx: _Cross
    yy: _Cross
    n: int = 0

    @classmethod
    def beginning(cls, x: Tensor, y: Tensor, debiased: bool) -> Products:
        """Nothing yet, measured from where the first rows x [b, p] and y [b, q] lie."""
        return cls(
            debiased,
            origins=(_Origin.of(x), _Origin.of(y)),
            x=_Sums.beginning(x),
            y=_Sums.beginning(y),
            xy=_Cross.beginning(x, y),
            xx=_Cross.beginning(x, x),
            yy=_Cross.beginning(y, y),
        )

    def add(self, raw_x: Tensor, raw_y: Tensor) -> None:
        """These rows, too."""
        x, y = self.origins[0].of_rows(raw_x), self.origins[1].of_rows(raw_y)
        a, b = (each.square().sum(dim=1) if self.debiased else None for each in (x, y))
        self.n += len(x)
        self.x.add(raw_x, x, a)
        self.y.add(raw_y, y, b)
        self.xy.add(x, y, a, b)
        self.xx.add(x, x, a, a)
        self.yy.add(y, y, b, b)

    def cka(self) -> float:
        """The CKA of all rows, of which there are at least two, or four where it is debiased."""
        n, x, y, xx, yy = self.n, self.x, self.y, self.xx.mirrored(), self.yy.mirrored()
        if self.debiased:
            own = xx.unbiased_hsic(n, x, x), yy.unbiased_hsic(n, y, y)
            return ratio(self.xy.unbiased_hsic(n, x, y), *own)
        own = xx.alignment(n, x, x), yy.alignment(n, y, y)
        return max(0.0, ratio(self.xy.alignment(n, x, y), *own))
