"""How far the outputs of one network are from those of another, in bounded memory: the
Kullback-Leibler divergence of what they say, by the type of problem."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import Problem, problem_of, rows_of
from leanfair.pruning.types import Anatomy

_AT_ONCE = 2**20
"""Probabilities converted to double precision at a time, few enough to stay in a cache."""


def solved_by(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> Problem:
    """The type of problem that `anatomy` tells or, where it does not, that the outputs of `model`
    and the labels of `batches` show."""
    if anatomy.problem is not None:
        return anatomy.problem
    with torch.no_grad(), evaluating(model):
        return problem_of(model, forward(model, batches[0][:1].inputs), batches)


def total_divergence(problem: Problem, without: Tensor, whole: Tensor) -> float:
    """The sum over samples, in nats, of KL(without || whole) for outputs [n, ...].

    Of one class among several it is that of the softmax distributions; of yes or no for each output
    the sum of the Bernoulli divergences; of numbers half the squared difference, the divergence of
    normal distributions of unit variance around them.
    """
    if problem.type == "single_label_classification":
        return total_kl(rows_of(without), rows_of(whole))
    each = _bernoulli if problem.type == "multi_label_classification" else _gaussian
    pieces = (torch.split(outputs.flatten(), _AT_ONCE) for outputs in (without, whole))
    parts = [each(p.double(), q.double()).sum() for p, q in zip(*pieces, strict=True)]
    return float(torch.stack(parts).sum())


def divergences(problem: Problem, without: Tensor, whole: Tensor) -> Tensor:
    """`total_divergence` of each sample (or token) by itself, float64 [n]."""
    if problem.type == "single_label_classification":
        pieces, each = (rows_of(without), rows_of(whole)), _kl
    else:
        pieces = (without.flatten(1), whole.flatten(1))
        each = _bernoulli if problem.type == "multi_label_classification" else _gaussian
    rows = max(1, _AT_ONCE // max(1, pieces[0].shape[-1]))
    parts = zip(*(torch.split(outputs, rows) for outputs in pieces), strict=True)
    found = torch.cat([each(p.double(), q.double()) for p, q in parts])
    return found.reshape(len(without), -1).sum(dim=1)


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


def _bernoulli(without: Tensor, whole: Tensor) -> Tensor:
    """KL between the Bernoulli distributions of two logits, elementwise."""
    total = torch.zeros_like(without)
    for sign in (1.0, -1.0):  # yes, and no
        p, q = F.logsigmoid(sign * without), F.logsigmoid(sign * whole)
        total += torch.where(p == -torch.inf, 0.0, p.exp() * (p - q))
    return total.clamp(min=0.0)


def _gaussian(without: Tensor, whole: Tensor) -> Tensor:
    return (without - whole).square() / 2
