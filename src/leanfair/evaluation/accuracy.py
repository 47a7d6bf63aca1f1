"""The share of samples that a network classifies as their labels say."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from leanfair.batches import Source, forward, iterate
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved


def accuracy(model: nn.Module, source: Source, batch_size: int = 256) -> float:
    """The share, in [0, 1], of the samples in `source` whose largest logit is that of their label.

    `source` is a Dataset (read in batches of `batch_size`) or an iterable of batches, on any
    device. `model` is used in evaluation mode and left as it was. Raises InputError where labels
    are missing or no classes of the model, and where logits are NaN, saying in which batch.
    """
    correct = seen = 0
    with evaluating(model), torch.inference_mode():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            logits = forward(model, here.inputs)
            labels = _checked(here.labels, logits, number)
            correct += int((logits.argmax(dim=1) == labels).sum())
            seen += len(labels)
    return correct / seen


def _checked(labels: Tensor | None, logits: Tensor, number: int) -> Tensor:
    """`labels` [n] on the device of `logits` [n, classes]; InputError where they do not fit."""
    if labels is None:
        raise InputError(
            f"Batch {number} has no labels: accuracy needs batches of (inputs, labels)."
        )
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise InputError(
            f"Batch {number} has labels of shape {list(labels.shape)} for logits of shape "
            f"{list(logits.shape)}: accuracy needs labels [n] and logits [n, classes]."
        )
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(
            f"The labels of batch {number} are {labels.dtype}: give the numbers of the classes as "
            f"integers."
        )
    classes = logits.shape[1]
    strange = labels[(labels < 0) | (labels >= classes)]
    if len(strange):
        raise InputError(
            f"Batch {number} has the label {int(strange[0])}, but the model has {classes} classes: "
            f"labels must be 0 to {classes - 1}."
        )
    if bool(logits.isnan().any()):
        raise InputError(
            f"The model's logits are NaN in batch {number}: look for NaN in its weights or inputs."
        )
    return labels.to(logits.device)
