"""The Kullback-Leibler divergence between the outputs of two networks, in bounded memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_AT_ONCE = 2**20
"""Probabilities converted to double precision at a time, few enough to stay in a cache."""


def total_kl(without: Tensor, whole: Tensor) -> float:
    """The sum over samples, in nats, of KL(softmax(without) || softmax(whole)) for logits [n,
    classes].

    Computed in double precision: the divergence due to a single neuron is often below the rounding
    error of single precision."""
    rows = max(1, _AT_ONCE // without.shape[-1])
    parts = zip(torch.split(without, rows), torch.split(whole, rows), strict=True)
    return float(torch.stack([_kl(p.double(), q.double()).sum() for p, q in parts]).sum())


def _kl(without: Tensor, whole: Tensor) -> Tensor:
    p = F.log_softmax(without, dim=-1)
    q = F.log_softmax(whole, dim=-1)
    terms = torch.where(p == -torch.inf, 0.0, p.exp() * (p - q))  # 0 log 0 is 0
    return terms.sum(dim=-1).clamp(min=0.0)  # rounding alone may bring it below
