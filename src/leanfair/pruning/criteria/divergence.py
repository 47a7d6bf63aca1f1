"""How far apart two networks' answers are: the Kullback-Leibler divergence, in bounded memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_AT_ONCE = 2**20
"""How many probabilities are in double precision at once, as stay in a cache."""


def total_kl(without: Tensor, whole: Tensor) -> float:
    """The sum over samples of KL(softmax(without) || softmax(whole)), logits [n, classes].

    In double precision, as the divergence of one neuron among many would drown in rounding."""
    rows = max(1, _AT_ONCE // without.shape[-1])
    parts = zip(torch.split(without, rows), torch.split(whole, rows), strict=True)
    return float(torch.stack([_kl(p.double(), q.double()).sum() for p, q in parts]).sum())


def _kl(without: Tensor, whole: Tensor) -> Tensor:
    p = F.log_softmax(without, dim=-1)
    q = F.log_softmax(whole, dim=-1)
    terms = torch.where(p == -torch.inf, 0.0, p.exp() * (p - q))  # 0 log 0 is 0
    return terms.sum(dim=-1).clamp(min=0.0)  # rounding alone may bring it below
