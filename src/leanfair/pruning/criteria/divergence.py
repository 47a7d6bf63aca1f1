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
_WORDS = 2**12
"""Classes from which on the divergence is taken from the change of the logits."""
_NEAR = 2**18
"""Logits whose change is looked at at a time on a processor: 1 MiB in single precision."""


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
    """`total_divergence` of each sample (or token) by itself, float64 [n]. Of a vocabulary it is
    taken from the change of the logits (`changed_kl`)."""
    if problem.type == "single_label_classification":
        pieces, each = (rows_of(without), rows_of(whole)), _kl
        if pieces[0].shape[-1] >= _WORDS:
            return changed_kl(*pieces).reshape(len(without), -1).sum(dim=1)
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


def changed_kl(without: Tensor, whole: Tensor) -> Tensor:
    """KL(softmax(without) || softmax(whole)) of each row of logits [n, classes], float64 [n], in
    their own precision, though no worse than single.

    With q = softmax(whole) and d the change of the logits less its mean under q, it is
    E_q[e^d d] / E_q[e^d] - log E_q[e^d]. Differences of the size of d are never taken between
    numbers of the size of log-probabilities, whose rounding hides what a single neuron changes; so
    double precision, several times slower, would add nothing to logits in single. Rows in which a
    class is impossible, or that change beyond what single precision holds, are found in double.
    """
    at_once = _NEAR if without.device.type == "cpu" else 2**26
    rows = max(1, at_once // without.shape[-1])
    parts = zip(torch.split(without, rows), torch.split(whole, rows), strict=True)
    found = torch.cat([_changed(p, q) for p, q in parts])
    beyond = (~found.isfinite()).nonzero().flatten()
    for some in torch.split(beyond, rows):
        found[some] = _kl(without[some].double(), whole[some].double())
    return found


def _changed(without: Tensor, whole: Tensor) -> Tensor:
    if without.dtype not in (torch.float32, torch.float64):
        without, whole = without.float(), whole.float()
    q = whole.softmax(dim=-1)
    d = without - whole
    d -= (q * d).sum(dim=-1, keepdim=True)
    mean = (q * d).sum(dim=-1).double()  # what rounding left of it
    q *= d.expm1()
    more = q.sum(dim=-1).double()
    weighed = (q.mul_(d)).sum(dim=-1).double() + mean
    return (weighed / (1.0 + more) - more.log1p()).clamp(min=0.0)


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
