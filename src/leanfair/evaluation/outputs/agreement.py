"""How far a child answers as its parent does, whatever is right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from leanfair.evaluation.outputs.intervals import ratio_of
from leanfair.evaluation.problem import Problem, rows_of
from leanfair.statistics import Interval, wilson


@dataclass(frozen=True)
class Agreement:
    """`same`: the share of samples (of tokens, where each is answered) for which both give the same
    answer. `kl`: the mean Kullback-Leibler divergence of the child's probabilities from the
    parent's, KL(parent || child), in nats."""

    same: Interval
    kl: Interval
    answers: int


def agreement(parent: Tensor, child: Tensor, problem: Problem) -> Agreement:
    """How far the answers agree that logits [n, classes] of both give: one class each, or a yes or
    no for each output."""
    one, other = parent.double(), child.double()
    if problem.type == "multi_label_classification":
        same = ((one > 0) == (other > 0)).flatten(1).all(dim=1)
        divergence = _bernoulli(one, other).flatten(1).sum(dim=1)
    else:
        same = rows_of(one).argmax(dim=-1) == rows_of(other).argmax(dim=-1)
        divergence = divergence_of(rows_of(one), rows_of(other))
    n = len(same)
    share = float(same.double().mean())
    low, high = wilson(share, n)
    ones = torch.ones(n, dtype=torch.float64)
    return Agreement(
        Interval.around(share, low, high, 0.0, 1.0),
        ratio_of(divergence, ones, 0.0, float("inf")),
        n,
    )


def divergence_of(parent: Tensor, child: Tensor) -> Tensor:
    """KL(parent || child) of each row of logits [rows, classes], in nats, [rows]."""
    mine, its = F.log_softmax(parent, dim=-1), F.log_softmax(child, dim=-1)
    return F.kl_div(its, mine, log_target=True, reduction="none").sum(dim=-1).clamp(min=0)


def _bernoulli(parent: Tensor, child: Tensor) -> Tensor:
    """The same of each output as a yes or no of its own."""
    yes = parent.sigmoid()
    return (
        yes * (F.logsigmoid(parent) - F.logsigmoid(child))
        + (1 - yes) * (F.logsigmoid(-parent) - F.logsigmoid(-child))
    ).clamp(min=0)
