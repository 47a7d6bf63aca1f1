"""Accuracy, calibration and agreement of two classifiers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from leanfair.comparison.measures.numbers import difference, measure
from leanfair.comparison.schema.quality import (
    Accuracy,
    Agreement,
    Calibration,
    ClassEntry,
    Difference,
    WorstClass,
)
from leanfair.evaluation import accuracy as accuracies
from leanfair.evaluation import answers
from leanfair.evaluation.answers import Answers
from leanfair.evaluation.outputs import agreement as agreements
from leanfair.evaluation.outputs.calibration import calibration_of, error_difference
from leanfair.evaluation.problem import Problem, fitted
from leanfair.statistics import (
    Interval,
    Rates,
    Resampling,
    benjamini_hochberg,
    linear_interval,
    mcnemar,
    resampled,
)

CONFIDENCE = 0.95


def accuracy_of(
    before: Answers, after: Answers, names: Sequence[str], labels: Tensor | None, seed: int
) -> Accuracy:
    """What both get right. `labels` [n]: the class of each sample, where there is one each."""
    change = answers.change(before, after)
    single = bool((before.asked == 1).all())
    rates = _rates(before, after, labels, seed) if labels is not None else None
    return {
        "overall": {
            "parent": change.before,
            "child": change.after,
            "value": change.after - change.before,
            "low": change.low,
            "high": change.high,
        },
        "balanced": _balanced(before, after, rates) if single else None,
        "worst_class": _worst(before, after, names, rates) if single else None,
        "classes": _classes(before, after, names, labels),
        "samples": change.samples,
        "lost": change.lost,
        "gained": change.gained,
        "p_value": mcnemar(change.lost, change.gained) if single else None,
    }


def class_labels(logits: Tensor, labels: Tensor, problem: Problem) -> Tensor | None:
    """The class of each sample, int64 [n]; None where a sample has several, or several answers."""
    if is_one_logit(logits, problem):
        return fitted(problem, labels, logits).reshape(-1).long()
    if problem.type != "single_label_classification" or logits.ndim != 2:
        return None
    found = fitted(problem, labels, logits)
    return found.argmax(dim=1) if found.is_floating_point() else found


def is_one_logit(logits: Tensor, problem: Problem) -> bool:
    """Whether a single logit a sample tells two classes apart."""
    return problem.type == "multi_label_classification" and logits[0].numel() == 1


def as_classes(logits: Tensor, problem: Problem) -> Tensor:
    """Logits of one true class a sample, [n, classes]: a single one is that of yes beside no."""
    if not is_one_logit(logits, problem):
        return logits
    yes = logits.reshape(-1, 1)
    return torch.cat([torch.zeros_like(yes), yes], dim=1)


def calibration_entry(parent: Tensor, child: Tensor, labels: Tensor, seed: int) -> Calibration:
    """How sure both are: logits [n, classes] of each, and the class of each sample [n]."""
    mine, its = calibration_of(parent, labels), calibration_of(child, labels)
    found = error_difference(mine, its, seed)
    return {
        "error": difference(mine.error, its.error, found),
        "parent_bins": [asdict(each) for each in mine.bins],  # type: ignore[misc]
        "child_bins": [asdict(each) for each in its.bins],  # type: ignore[misc]
    }


def agreement_entry(parent: Tensor, child: Tensor, problem: Problem) -> Agreement:
    """How far both agree: logits [n, classes] of each."""
    found = agreements.agreement(parent, child, problem)
    return {"same": measure(found.same), "kl": measure(found.kl), "answers": found.answers}


def _rates(before: Answers, after: Answers, labels: Tensor, seed: int) -> Rates:
    """The accuracy of both by class, resampled together: columns parent and child."""
    hits = torch.stack([before.right, after.right], dim=1).numpy()
    present = np.unique(labels.numpy(), return_inverse=True)[1].reshape(-1)
    resampling = Resampling(np.arange(len(hits)), seed)
    return resampled(hits, np.ones_like(hits), present, resampling, resampling.rng(0))


def _balanced(before: Answers, after: Answers, rates: Rates | None) -> Difference:
    found = None
    if rates is not None:
        groups = rates.hits.shape[1]
        found = linear_interval(rates, np.outer([-1.0, 1.0], np.full(groups, 1 / groups)))
    return difference(before.balanced, after.balanced, found)


def _worst(
    before: Answers, after: Answers, names: Sequence[str], rates: Rates | None
) -> WorstClass:
    mine, its = (np.asarray(each.by_class) for each in (before, after))
    one, other = int(np.nanargmin(mine)), int(np.nanargmin(its))
    found = None if rates is None else _lowest(rates)
    return {
        "parent_class": names[one],
        "child_class": names[other],
        "accuracy": difference(float(mine[one]), float(its[other]), found),
    }


def _lowest(rates: Rates) -> Interval:
    """The lowest rate of the second column less that of the first: smoothed, and the quantile of
    its absolute bootstrap error on either side, as `linear_interval` has it."""
    drawn = (rates.smooth[:, :, None] + rates.errors).min(axis=1)
    centre = rates.smooth.min(axis=1)
    value = rates.value.min(axis=1)
    moved, middle = drawn[1] - drawn[0], float(centre[1] - centre[0])
    half = float(np.quantile(np.abs(moved - middle), CONFIDENCE))
    return Interval.around(float(value[1] - value[0]), middle - half, middle + half, -1.0, 1.0)


def _classes(
    before: Answers, after: Answers, names: Sequence[str], labels: Tensor | None
) -> list[ClassEntry]:
    """Every class with samples, by its number."""
    found: list[ClassEntry] = []
    shares = zip(before.by_class.tolist(), after.by_class.tolist(), strict=True)
    for number, (old, new) in enumerate(shares):
        if np.isnan(old):
            continue
        entry: ClassEntry = {
            "name": names[number],
            "samples": int(before.classes[number, 0]),
            "p_value": None,
            "adjusted": None,
            **difference(old, new),
        }
        if labels is not None:
            here = labels == number
            change = accuracies.change(before.right[here] > 0, after.right[here] > 0)
            entry["low"], entry["high"] = change.low, change.high
            entry["p_value"] = mcnemar(change.lost, change.gained)
        found.append(entry)
    if labels is not None:
        adjusted = benjamini_hochberg([entry["p_value"] or 0.0 for entry in found])
        for entry, value in zip(found, adjusted, strict=True):
            entry["adjusted"] = value
    return found
