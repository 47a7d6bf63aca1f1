"""The share of samples that a network classifies as their labels say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanfair.data.batches import Source, forward, iterate
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved

NORMAL_975 = 1.959964
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Change:
    """What became of the accuracy from one network to another, on the same samples.

    `before` and `after`: accuracies in [0, 1] on `samples` samples, of which `lost` were right
    before alone and `gained` after alone. `low` and `high` bound the change, after - before, in a
    95 % interval for the difference of matched proportions (Agresti and Min 2005, Statistics in
    Medicine 24, section 3: Wald's, with half a sample more in each of the four cells).
    """

    before: float
    after: float
    samples: int
    lost: int
    gained: int
    interval: tuple[float, float] | None = None
    """`low` and `high`, where samples have several answers each."""

    @property
    def low(self) -> float:
        return self._centre - self._half if self.interval is None else self.interval[0]

    @property
    def high(self) -> float:
        return self._centre + self._half if self.interval is None else self.interval[1]

    @property
    def _centre(self) -> float:
        return (self.gained - self.lost) / (self.samples + 2)

    @property
    def _half(self) -> float:
        n, lost, gained = self.samples + 2, self.lost + 0.5, self.gained + 0.5
        return NORMAL_975 * math.sqrt(lost + gained - (gained - lost) ** 2 / n) / n

    def to_json(self) -> dict[str, float | int]:
        """The change in points of share, its interval, and the counts, in plain JSON types."""
        return {
            "value": self.after - self.before,
            "low": self.low,
            "high": self.high,
            "samples": self.samples,
            "lost": self.lost,
            "gained": self.gained,
        }


def change(before: Tensor, after: Tensor) -> Change:
    """The change between what two networks got right (bool [n], as `correct` finds it)."""
    n = len(before)
    return Change(
        before=float(before.sum()) / n,
        after=float(after.sum()) / n,
        samples=n,
        lost=int((before & ~after).sum()),
        gained=int((after & ~before).sum()),
    )


def accuracy(model: nn.Module, source: Source, batch_size: int = 256) -> float:
    """The share, in [0, 1], of the samples in `source` whose largest logit is that of their label.

    `source` is a Dataset (read in batches of `batch_size`) or an iterable of batches, on any
    device. `model` is used in evaluation mode and left as it was. Raises InputError where labels
    are missing or no classes of the model, and where logits are NaN, saying in which batch.
    """
    hits = correct(model, source, batch_size)
    return float(hits.sum()) / len(hits)


def correct(model: nn.Module, source: Source, batch_size: int = 256) -> Tensor:
    """For each sample of `source`, whether `model` classifies it as its label says: bool [n].
    Raises what `accuracy` raises."""
    hits = []
    with evaluating(model), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            logits = forward(model, here.inputs)
            labels = _checked(here.labels, logits, number)
            hits.append(logits.argmax(dim=1) == labels)
    return torch.cat(hits)


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
