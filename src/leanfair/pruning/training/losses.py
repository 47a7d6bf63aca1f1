"""The loss of fine-tuning, by the type of problem: with the labels, and distilled from a teacher.

The loss is a mean over the batch of all processes: over the samples of a classifier, and over the
labelled tokens of a language model (in distillation, over all tokens that are not padding), so
that, as in transformers, long texts weigh more than short ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from leanfair.data.batches import Batch
from leanfair.data.language import IGNORED, is_language_model, targets, token_mask
from leanfair.errors import InputError
from leanfair.evaluation.problem import SINGLE, Problem, fitted, rows_of
from leanfair.pruning.surgery.modules import in_full
from leanfair.pruning.training.distributed import group
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.training.sampling import Shard

AT_ONCE = 2**24
"""Logits processed at a time, to bound the memory of intermediate copies."""


def batch_loss(
    model: nn.Module,
    shard: Shard,
    logits: Tensor,
    goal: Tensor | None,
    recipe: Recipe,
    problem: Problem = SINGLE,
) -> Tensor:
    """This process's part of the loss of a batch, a scalar: the mean over the processes is the
    loss.

    `logits`: those of `model`, [n, classes] or [n, tokens, vocabulary], or other outputs [n, ...]
    that `problem` tells the meaning of. `goal`: those of the teacher, of the same shape, or None.
    With a teacher the loss is

        (1 - a) L(labels, student) + a D(teacher, student),

    with a = `recipe.distill`. Of one class among several L is the cross-entropy and
    D = T² KL(teacher || student), both distributions softened by the temperature
    T = `recipe.temperature` (Hinton et al. 2015, arXiv 1503.02531, section 2). Of several yes or no
    answers they are the binary cross-entropy and the same of Bernoulli distributions, of numbers
    the squared error with the labels and with the teacher, means over all outputs of a sample.
    Raises InputError for labels that are missing or do not fit.
    """
    share = recipe.distill if goal is not None else 0.0
    if problem.type != "single_label_classification":
        loss = _of_numbers(model, shard, logits, goal, share, recipe, problem)
        return loss / shard.total * group().size
    tokens = logits.ndim > 2
    loss = in_full(logits.new_zeros(()))
    if share < 1.0:
        labels = _labels_for(model, shard.batch, logits, problem)
        shared_out = labels.shape == logits.shape
        right = rows_of(labels) if shared_out else labels.flatten()
        asked = right[..., 0] >= 0 if shared_out else right != IGNORED
        count = _over_all(asked.sum()) if tokens else shard.total
        loss = loss + (1.0 - share) * _total(_cross_entropy, rows_of(logits), right) / count
    if goal is not None and share > 0.0:
        counted = _counted(shard.batch, logits)
        count = _over_all(counted.sum()) if tokens else shard.total
        divergence = partial(_divergence, temperature=recipe.temperature)
        total = _total(divergence, rows_of(logits), rows_of(goal), counted.flatten())
        loss = loss + share * recipe.temperature**2 * total / count
    return loss * group().size


def _of_numbers(
    model: nn.Module,
    shard: Shard,
    outputs: Tensor,
    goal: Tensor | None,
    share: float,
    recipe: Recipe,
    problem: Problem,
) -> Tensor:
    """The loss where each output is an answer of its own, summed over samples."""
    exact = in_full(outputs)
    loss = exact.new_zeros(())
    binary = problem.type == "multi_label_classification"
    if share < 1.0:
        labels = _labels_for(model, shard.batch, outputs, problem)
        function = F.binary_cross_entropy_with_logits if binary else F.mse_loss
        loss = loss + (1.0 - share) * _by_sample(
            function(exact, labels, reduction="none"), shard.batch
        )
    if goal is not None and share > 0.0:
        teacher, heat = in_full(goal), recipe.temperature
        if binary:
            each = heat**2 * _binary_divergence(exact / heat, teacher / heat)
        else:
            each = F.mse_loss(exact, teacher, reduction="none")
        loss = loss + share * _by_sample(each, shard.batch)
    return loss


def _by_sample(each: Tensor, batch: Batch) -> Tensor:
    """The mean over the outputs of a sample, without those of padding, summed over samples."""
    if each.ndim == 1:
        return each.sum()
    mask = token_mask(batch, each.shape[1]) if each.ndim == 3 else None
    if mask is None:
        return each.flatten(1).mean(dim=1).sum()
    counted = mask.to(each)
    return ((each.mean(dim=-1) * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).sum()


def _binary_divergence(logits: Tensor, goal: Tensor) -> Tensor:
    """KL(goal || logits) between Bernoulli distributions, elementwise."""
    yes = goal.sigmoid()
    surprise = F.binary_cross_entropy_with_logits(logits, yes, reduction="none")
    return surprise - F.binary_cross_entropy_with_logits(goal, yes, reduction="none")


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy summed over the rows of logits [n, classes]; labels are numbers of classes [n]
    or their probabilities [n, classes]."""
    if labels.is_floating_point():
        return F.cross_entropy(in_full(logits), labels, reduction="sum")
    return F.cross_entropy(in_full(logits), labels, ignore_index=IGNORED, reduction="sum")


def _divergence(logits: Tensor, goal: Tensor, counted: Tensor, temperature: float) -> Tensor:
    """KL(goal || logits) of the softened distributions, summed over the rows `counted`, bool
    [n]."""
    p = F.log_softmax(in_full(goal) / temperature, dim=-1)
    q = F.log_softmax(in_full(logits) / temperature, dim=-1)
    return ((p.exp() * (p - q)).sum(dim=-1) * counted).sum()


def _total(function: Callable[..., Tensor], logits: Tensor, *others: Tensor) -> Tensor:
    """The sum of `function`, itself a sum over rows, over all rows. Many rows are processed in
    parts and recomputed in the backward pass (activation checkpointing), to bound memory."""
    size = max(1, AT_ONCE // logits.shape[-1])
    if len(logits) <= size:
        return function(logits, *others)
    pieces = zip(*(torch.split(rows, size) for rows in (logits, *others)), strict=True)
    sums = [checkpoint(function, *piece, use_reentrant=False) for piece in pieces]
    return torch.stack(sums).sum()


def _counted(batch: Batch, logits: Tensor) -> Tensor:
    """Which outputs count in distillation: all but padding, bool [n] or [n, tokens]."""
    mask = token_mask(batch, logits.shape[1]) if logits.ndim == 3 else None
    everything = torch.ones(len(rows_of(logits)), dtype=torch.bool, device=logits.device)
    return everything if mask is None else mask.to(logits.device)


def _over_all(count: Tensor) -> Tensor:
    """A count summed over all processes, at least 1."""
    if group().size > 1:
        dist.all_reduce(count)
    return count.clamp(min=1)


def _labels_for(model: nn.Module, batch: Batch, logits: Tensor, problem: Problem) -> Tensor:
    """The labels, checked, in the form in which they are compared with `logits`; `IGNORED` where a
    token has none."""
    labels = targets(model, batch)
    if labels is None:
        raise InputError(_unlabelled(model))
    return fitted(problem, labels, logits, "training")


def _unlabelled(model: nn.Module) -> str:
    remedy = "give some, or distill from the original alone (distill=1)."
    if not is_language_model(model):
        return f"The training data has no labels: {remedy}"
    return (
        f"{type(model).__name__} does not learn from the text itself, and the training data has no "
        f"labels (one for each token, {IGNORED} where none is asked): {remedy}"
    )
