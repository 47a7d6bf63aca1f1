"""How well a network does whose outputs are no classes: by its error, or by how alike it still
represents its inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.special import stdtrit
from scipy.stats import spearmanr
from torch import Tensor, nn

from leanfair.data.batches import Batch, Source, forward, iterate
from leanfair.data.language import token_mask
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved
from leanfair.evaluation.problem import Problem, fitted

MOST_PAIRED = 1000
"""Samples whose similarities to each other are compared."""


@dataclass(frozen=True)
class ErrorChange:
    """What became of the mean squared error, on the same `samples` samples. `low` and `high` bound
    the change, after - before, in a 95 % interval (paired, Student's); None for one sample."""

    before: float
    after: float
    low: float | None
    high: float | None
    samples: int


@dataclass(frozen=True)
class SimilarityChange:
    """How alike two networks represent the same `samples` samples. `after`: the mean cosine of a
    sample's two representations; `before` is 1. `rank_correlation`: Spearman's, between how similar
    all pairs of the first samples are in one network and in the other; None for fewer than 3."""

    after: float
    rank_correlation: float | None
    samples: int
    before: float = 1.0


def errors(model: nn.Module, source: Source, problem: Problem, batch_size: int = 256) -> Tensor:
    """The squared error of each sample, a mean over its outputs: float64 [n]. Raises InputError
    where labels are missing or do not fit, and where outputs are not finite."""
    found = []
    with evaluating(model), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            if here.labels is None:
                raise InputError(
                    f"Batch {number} has no labels: the error needs batches of (inputs, labels)."
                )
            outputs = forward(model, here.inputs)
            found.append(squared_errors(outputs, here.labels, problem, f"batch {number}"))
    return torch.cat(found)


def squared_errors(
    outputs: Tensor, labels: Tensor, problem: Problem, where: str = "the test data"
) -> Tensor:
    """The same of outputs that are known: float64 [n] on the CPU."""
    wanted = fitted(problem, labels, outputs, where=where)
    each = (outputs.double() - wanted.double()).square().reshape(len(outputs), -1)
    found = each.mean(dim=1).cpu()
    if not bool(found.isfinite().all()):
        raise InputError(
            f"The model's outputs, or the labels, are not finite in {where}: look for NaN in its "
            f"weights or inputs."
        )
    return found


def error_change(before: Tensor, after: Tensor) -> ErrorChange:
    """The change between what `errors` finds of two networks."""
    difference, n = after - before, len(before)
    mean = float(difference.mean())
    low = high = None
    if n > 1:
        half = float(stdtrit(n - 1, 0.975)) * float(difference.std()) / math.sqrt(n)
        low, high = mean - half, mean + half
    return ErrorChange(float(before.mean()), float(after.mean()), low, high, n)


def representations(model: nn.Module, source: Source, batch_size: int = 64) -> Tensor:
    """One vector for each sample, float32 [n, d]: what `model` gives or, where that is one for each
    token, their mean without padding."""
    found = []
    with evaluating(model), torch.no_grad():
        for batch in iterate(source, batch_size):
            here = moved(batch, model)
            found.append(_pooled(forward(model, here.inputs), here).float().cpu())
    return torch.cat(found)


def cosine(before: Tensor, after: Tensor) -> float:
    """The mean cosine between the rows of two representations [n, d]."""
    return float(F.cosine_similarity(before.double(), after.double(), dim=1).mean())


def similarity_change(before: Tensor, after: Tensor) -> SimilarityChange:
    """How alike the `representations` of two networks are."""
    few = min(len(before), MOST_PAIRED)
    rank = None
    if few > 2:
        pairs = torch.triu_indices(few, few, offset=1).unbind()
        one, two = (_similarities(rows[:few])[pairs] for rows in (before, after))
        rank = float(spearmanr(one.numpy(), two.numpy()).statistic)
    kept = rank if rank is not None and math.isfinite(rank) else None
    return SimilarityChange(cosine(before, after), kept, len(before))


def _similarities(rows: Tensor) -> Tensor:
    unit = F.normalize(rows.double(), dim=1)
    return unit @ unit.T


def _pooled(outputs: Tensor, batch: Batch) -> Tensor:
    if outputs.ndim != 3:
        return outputs.flatten(1)
    mask = token_mask(batch, outputs.shape[1])
    if mask is None:
        return outputs.mean(dim=1)
    counted = mask.to(outputs)[..., None]
    return (outputs * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
