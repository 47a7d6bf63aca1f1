"""The loss of fine-tuning: cross-entropy with the labels, and distillation from a teacher.

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
from leanfair.pruning.surgery.modules import in_full
from leanfair.pruning.training.distributed import group
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.training.sampling import Shard

AT_ONCE = 2**24
"""Logits processed at a time, to bound the memory of intermediate copies."""


def batch_loss(
    model: nn.Module, shard: Shard, logits: Tensor, goal: Tensor | None, recipe: Recipe
) -> Tensor:
    """This process's part of the loss of a batch, a scalar: the mean over the processes is the
    loss.

    `logits`: those of `model`, [n, classes] or [n, tokens, vocabulary]. `goal`: those of the
    teacher, of the same shape, or None. With a teacher the loss is

        (1 - a) CE(labels, student) + a T² KL(teacher || student),

    both distributions of the second term softened by the temperature T = `recipe.temperature`, and
    a = `recipe.distill` (Hinton et al. 2015, arXiv 1503.02531, section 2). Raises InputError for
    labels that are missing, do not fit or are no class of the model.
    """
    share = recipe.distill if goal is not None else 0.0
    tokens = logits.ndim == 3
    loss = in_full(logits.new_zeros(()))
    if share < 1.0:
        labels = _labels_for(model, shard.batch, logits)
        count = _over_all((labels != IGNORED).sum()) if tokens else shard.total
        right = labels.flatten() if tokens else labels
        loss = loss + (1.0 - share) * _total(_cross_entropy, _rows(logits), right) / count
    if goal is not None and share > 0.0:
        counted = _counted(shard.batch, logits)
        count = _over_all(counted.sum()) if tokens else shard.total
        divergence = partial(_divergence, temperature=recipe.temperature)
        total = _total(divergence, _rows(logits), _rows(goal), counted.flatten())
        loss = loss + share * recipe.temperature**2 * total / count
    return loss * group().size


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy summed over the rows of logits [n, classes]."""
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


def _rows(logits: Tensor) -> Tensor:
    """Logits [n, tokens, vocabulary] as [n * tokens, vocabulary]; [n, classes] unchanged."""
    return logits.flatten(0, -2)


def _counted(batch: Batch, logits: Tensor) -> Tensor:
    """Which outputs count in distillation: all but padding, bool [n] or [n, tokens]."""
    mask = token_mask(batch, logits.shape[1]) if logits.ndim == 3 else None
    everything = torch.ones(logits.shape[:-1], dtype=torch.bool, device=logits.device)
    return everything if mask is None else mask.to(logits.device)


def _over_all(count: Tensor) -> Tensor:
    """A count summed over all processes, at least 1."""
    if group().size > 1:
        dist.all_reduce(count)
    return count.clamp(min=1)


def _labels_for(model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
    """The target classes, checked: [n] or, with `IGNORED` where there is none, [n, tokens]."""
    labels = targets(model, batch)
    if labels is None:
        raise InputError(_unlabelled(model))
    if logits.ndim == 3 and labels.shape != logits.shape[:2]:
        raise InputError(
            f"The labels have the shape {list(labels.shape)}, but {type(model).__name__} answers "
            f"at {list(logits.shape[:2])} positions: give one label for each token."
        )
    classes = logits.shape[-1]
    wrong = (labels < 0) | (labels >= classes)
    if logits.ndim == 3:
        wrong &= labels != IGNORED
    if bool(wrong.any()):
        raise InputError(
            f"A training label is {int(labels[wrong][0])}, but the model has the classes 0 to "
            f"{classes - 1}."
        )
    return labels.to(logits.device)


def _unlabelled(model: nn.Module) -> str:
    remedy = "give some, or distill from the original alone (distill=1)."
    if not is_language_model(model):
        return f"The training data has no labels: {remedy}"
    return (
        f"{type(model).__name__} does not learn from the text itself, and the training data has no "
        f"labels (one for each token, {IGNORED} where none is asked): {remedy}"
    )
