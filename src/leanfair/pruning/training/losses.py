"""What fine-tuning makes small: cross-entropy with the labels, mixed with that to a teacher.

Of a classifier every sample counts alike. Of a language model every position that is asked counts
alike (and in distillation every token that is no padding), whichever sample it is in: as in
transformers, long texts weigh more than short ones. Means are over the batch of all processes.
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
from leanfair.pruning.training.sampling import Part

AT_ONCE = 2**24
"""Logits that are worked on at a time: with tens of thousands of words, every copy counts."""


def batch_loss(
    model: nn.Module, part: Part, logits: Tensor, goal: Tensor | None, recipe: Recipe
) -> Tensor:
    """This process's part of the loss of a batch, []: the mean over the processes is the loss.

    `logits` are the model's, [n, classes] or [n, tokens, words], and `goal` the teacher's, if there
    is one: then `recipe.distill` is the weight of KL(teacher || student) at a temperature, times
    its square (Hinton et al. 2015, section 2). Raises InputError for labels that are missing, do
    not fit or are no class of the model.
    """
    share = recipe.distill if goal is not None else 0.0
    tokens = logits.ndim == 3
    loss = in_full(logits.new_zeros(()))
    if share < 1.0:
        labels = _labels_for(model, part.part, logits)
        count = _over_all((labels != IGNORED).sum()) if tokens else part.whole
        right = labels.flatten() if tokens else labels
        loss = loss + (1.0 - share) * _total(_surprise, _rows(logits), right) / count
    if goal is not None and share > 0.0:
        told = _told(part.part, logits)
        count = _over_all(told.sum()) if tokens else part.whole
        distance = partial(_distance, heat=recipe.temperature)
        total = _total(distance, _rows(logits), _rows(goal), told.flatten())
        loss = loss + share * recipe.temperature**2 * total / count
    return loss * group().size


def _surprise(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy summed over the rows of logits [n, classes]."""
    return F.cross_entropy(in_full(logits), labels, ignore_index=IGNORED, reduction="sum")


def _distance(logits: Tensor, goal: Tensor, told: Tensor, heat: float) -> Tensor:
    """KL(goal || logits) at a temperature, summed over the rows that are `told`, [n]."""
    p = F.log_softmax(in_full(goal) / heat, dim=-1)
    q = F.log_softmax(in_full(logits) / heat, dim=-1)
    return ((p.exp() * (p - q)).sum(dim=-1) * told).sum()


def _total(function: Callable[..., Tensor], logits: Tensor, *others: Tensor) -> Tensor:
    """`function`, a sum over rows, of all rows. Where there are many, it is worked out a part at a
    time, and again on the way back, so that only the logits and their gradient lie in memory."""
    size = max(1, AT_ONCE // logits.shape[-1])
    if len(logits) <= size:
        return function(logits, *others)
    pieces = zip(*(torch.split(rows, size) for rows in (logits, *others)), strict=True)
    sums = [checkpoint(function, *piece, use_reentrant=False) for piece in pieces]
    return torch.stack(sums).sum()


def _rows(logits: Tensor) -> Tensor:
    """Logits [n, tokens, words] as [n * tokens, words]; those of a classifier as they are."""
    return logits.flatten(0, -2)


def _told(batch: Batch, logits: Tensor) -> Tensor:
    """Which outputs count in distillation: all but those of padding, [n] or [n, tokens]."""
    mask = token_mask(batch, logits.shape[1]) if logits.ndim == 3 else None
    everything = torch.ones(logits.shape[:-1], dtype=torch.bool, device=logits.device)
    return everything if mask is None else mask.to(logits.device)


def _over_all(count: Tensor) -> Tensor:
    """A count of this process's, summed over all processes; 1 where nothing is to be counted."""
    if group().size > 1:
        dist.all_reduce(count)
    return count.clamp(min=1)


def _labels_for(model: nn.Module, batch: Batch, logits: Tensor) -> Tensor:
    """The classes that the outputs should say, checked: [n] or, with `IGNORED`, [n, tokens]."""
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
