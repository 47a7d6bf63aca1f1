"""What a classifier gets right: for each sample, and for each class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.special import stdtrit
from torch import Tensor, nn

from leanfair.data.batches import Source, forward, iterate
from leanfair.data.language import IGNORED, targets
from leanfair.errors import InputError
from leanfair.evaluation import accuracy
from leanfair.evaluation.accuracy import Change
from leanfair.evaluation.mode import evaluating, moved
from leanfair.evaluation.problem import Problem, classes_in, fitted, rows_of


@dataclass(frozen=True)
class Answers:
    """How a classifier did on n samples. `right` of the `asked` answers of each are as its label
    says, float64 [n] each: one is asked, unless there is one for each token or pixel. Where several
    labels may be true at once, a sample is right if all of its labels are.

    `classes` counts for each class, float64 [classes, 4]: how many are of it, how many of them were
    found, how many are not of it, and how many of these were not taken for it. The latter two are 0
    where one class is true.
    """

    right: Tensor
    asked: Tensor
    classes: Tensor

    @property
    def accuracy(self) -> float:
        """The share of all answers that are right."""
        return float(self.right.sum() / self.asked.sum())

    @property
    def by_class(self) -> Tensor:
        """For each class the share of its samples that were found (its recall) or, where several
        may be true, the mean of that and of the share of the others that were not taken for it:
        float64 [classes], NaN for a class without a sample."""
        of_it, found, others, kept = self.classes.unbind(dim=1)
        shares = torch.stack([found / of_it, kept / others])
        return shares.nanmean(dim=0)

    @property
    def balanced(self) -> float:
        """The mean of `by_class` over the classes that have samples: balanced accuracy."""
        return float(self.by_class.nanmean())


def answers(model: nn.Module, source: Source, problem: Problem, batch_size: int = 256) -> Answers:
    """How `model` does on `source`. Raises InputError where labels are missing or do not fit, and
    where outputs are NaN, saying in which batch."""
    found: list[tuple[Tensor, Tensor]] = []
    classes = torch.zeros(0, 4, dtype=torch.float64)
    with evaluating(model), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            wanted = targets(model, here)
            if wanted is None:
                raise InputError(
                    f"Batch {number} has no labels: accuracy needs batches of (inputs, labels)."
                )
            logits = forward(model, here.inputs)
            if bool(logits.isnan().any()):
                raise InputError(
                    f"The model's logits are NaN in batch {number}: look for NaN in its weights or "
                    f"inputs."
                )
            each = _counted(logits, wanted, problem, f"batch {number}")
            found.append((each.right, each.asked))
            classes = each.classes if not len(classes) else classes + each.classes
    right, asked = (torch.cat(parts) for parts in zip(*found, strict=True))
    return _answered(Answers(right, asked, classes))


def answers_of(logits: Tensor, labels: Tensor, problem: Problem) -> Answers:
    """The same of a classifier's outputs that are known: logits [n, classes, ...] and labels.
    Raises InputError where these do not fit."""
    return _answered(_counted(logits, labels, problem, "the test data"))


def _counted(logits: Tensor, labels: Tensor, problem: Problem, where: str) -> Answers:
    labels = fitted(problem, labels, logits, where=where)
    one = problem.type == "single_label_classification"
    right, asked, counts = (_one_class if one else _several)(logits, labels)
    return Answers(right.cpu(), asked.cpu(), counts.cpu())


def _answered(found: Answers) -> Answers:
    if not float(found.asked.sum()):
        raise InputError("Not a single answer is asked for: give labels that are not all ignored.")
    return found


def change(before: Answers, after: Answers) -> Change:
    """What became of the accuracy. Where samples have several answers, those of a sample are taken
    as drawn together, and `lost` and `gained` count the samples with fewer and with more right
    answers: the interval is that of a ratio estimator (Cochran 1977, section 6.3)."""
    if bool((before.asked == 1).all()):
        return accuracy.change(before.right > 0, after.right > 0)
    difference, asked, n = after.right - before.right, before.asked, int((before.asked > 0).sum())
    mean = float(difference.sum() / asked.sum())
    half = math.inf
    if n > 1:
        squares = float((difference - mean * asked).square().sum())
        half = math.sqrt(squares * n / (n - 1)) / float(asked.sum())
        half *= float(stdtrit(n - 1, 0.975))
    return Change(
        before=before.accuracy,
        after=after.accuracy,
        samples=n,
        lost=int((difference < 0).sum()),
        gained=int((difference > 0).sum()),
        interval=(max(-1.0, mean - half), min(1.0, mean + half)),
    )


def names_of(model: nn.Module, source: object, count: int) -> Sequence[str]:
    """The names of `count` classes: those that the data `source` tells (as data sets of images
    do), else the configuration of `model`, else their numbers."""
    for _ in range(3):
        names = getattr(source, "classes", None)
        if isinstance(names, (list, tuple)) and len(names) == count:
            return [str(name) for name in names]
        source = getattr(source, "dataset", None)
    told = getattr(getattr(model, "config", None), "id2label", None) or {}
    return [str(told.get(number, number)) for number in range(count)]


def _one_class(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Right and asked of each sample, and the counts of each class, where one class is true."""
    n, classes = len(logits), classes_in(logits)
    if labels.is_floating_point():
        labels = rows_of(labels).argmax(dim=-1).reshape(n, -1)
    guesses = rows_of(logits).argmax(dim=-1).reshape(n, -1)
    labels = labels.reshape(n, -1)
    asked = labels != IGNORED
    right = (guesses == labels) & asked
    counts = torch.zeros(classes, 4, dtype=torch.float64)
    counts[:, 0] = labels[asked].bincount(minlength=classes).cpu()
    counts[:, 1] = labels[right].bincount(minlength=classes).cpu()
    return right.sum(dim=1).double(), asked.sum(dim=1).double(), counts


def _several(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same where each output is a yes or no of its own. Those of one output beside another are
    classes; a single one tells two."""
    said, true = rows_of(_columns(logits)) > 0, rows_of(_columns(labels)) > 0
    hits = said == true
    yes = (true.sum(0), (hits & true).sum(0), (~true).sum(0), (hits & ~true).sum(0))
    counts = torch.stack(yes, dim=1).double()
    if len(counts) == 1:  # no, and yes
        none = torch.zeros(2, 2, dtype=torch.float64, device=counts.device)
        counts = torch.cat([torch.stack([counts[0, 2:], counts[0, :2]]), none], dim=1)
    right = hits.all(dim=1).reshape(len(logits), -1)
    asked = torch.ones_like(right).sum(dim=1).double()
    return right.sum(dim=1).double(), asked, counts


def _columns(outputs: Tensor) -> Tensor:
    return outputs[:, None] if outputs.ndim == 1 else outputs
