"""The data that a run is given, looked at before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from leanfair.data import batches, language
from leanfair.data.batches import Batch, Source
from leanfair.data.language import IGNORED
from leanfair.data.raw.rows import rows_of
from leanfair.data.raw.samples import SampleList, is_sample, tensor_of
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved
from leanfair.evaluation.problem import Problem, classes_in, fitted, problem_of
from leanfair.evaluation.problem_type import ProblemType
from leanfair.pruning.measured_schema import PreprocessingEntry
from leanfair.pruning.structures.supported import try_out
from leanfair.pruning.training.losses import batch_loss
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.training.sampling import Shard

Shape = tuple[object, ...]

FIRST = 64
"""Samples of a data set whose labels tell the type of problem."""
FEW = 4
"""Samples whose outputs do."""


def readable(source: Source) -> Source:
    """`source` so that it can be read again and again: two tensors or arrays that are inputs and
    labels as a Dataset, a list of single samples likewise, and what gives its batches only once, as
    a generator, as a list of them."""
    if isinstance(source, np.ndarray):
        whole = tensor_of(source)
        return source if whole is None else TensorDataset(whole)
    if _is_pair(source):
        return TensorDataset(*(tensor for tensor in map(tensor_of, source) if tensor is not None))
    held = list(source) if isinstance(source, Iterator) else source
    if isinstance(held, (list, tuple)) and held and is_sample(held[0]):
        return SampleList(held)
    return held


def _is_pair(source: Any) -> TypeGuard[Sequence[Any]]:
    """Whether it is (inputs, labels) of all samples, not two batches: these are alike but for their
    number of samples."""
    if not isinstance(source, (tuple, list)) or len(source) != 2:
        return False
    one, two = source
    arrays = all(isinstance(each, (Tensor, np.ndarray)) and each.ndim for each in source)
    if not arrays:
        return False
    alike = one.shape[1:] == two.shape[1:] and one.dtype == two.dtype
    return len(one) == len(two) and not alike


def check_apart(**sources: Source | None) -> None:
    """Calibration, training and test data must not overlap, as far as can be seen."""
    given = [(name, source) for name, source in sources.items() if source is not None]
    rows = {name: rows_of(source) for name, source in given}
    for i, (name, source) in enumerate(given):
        for other, against in given[i + 1 :]:
            mine, its = rows[name], rows[other]
            known = mine is not None and its is not None and mine.base == its.base
            shared = len(mine.rows & its.rows) if known and mine and its else 0
            if source is against or shared:
                many = f" ({shared:,})" if shared else ""
                raise InputError(
                    f"The {name} and the {other} data share samples{many}: hold each apart, or the "
                    f"choice and the figures mean nothing."
                )


def notes_of(*sources: Any) -> tuple[str, ...]:
    """What the data say was assumed about them, each once."""
    found = [note for source in sources for note in getattr(source, "notes", ()) or ()]
    return tuple(dict.fromkeys(map(str, found)))


def preprocessing_of(*sources: Any) -> PreprocessingEntry | None:
    """How the images of the first of `sources` that says so are normalised."""
    for source in sources:
        mean, std = getattr(source, "mean", None), getattr(source, "std", None)
        if isinstance(mean, tuple) and isinstance(std, tuple):
            return {"mean": list(map(float, mean)), "std": list(map(float, std))}
    return None


def looked_at(found: Iterable[Batch], model: nn.Module, name: str) -> Iterator[Batch]:
    """The batches `found`, each once `model` has run on one sample of its shape. Raises InputError,
    naming the batch of the data `name`, where it does not, or where labels do not fit."""
    known: set[Shape] = set()
    labelled = None
    for number, batch in enumerate(found, start=1):
        where = f"batch {number} of the {name} data"
        _check_lengths(batch, where)
        if labelled not in (None, batch.labels is not None):
            raise InputError(
                f"Some batches of the {name} data have labels, but {where} has "
                f"{'none' if labelled else 'some'}: give labels with all batches, or with none."
            )
        labelled = batch.labels is not None
        if (shape := _shape(batch)) not in known:
            try_out(model, batch[:1], where)
            known.add(shape)
        yield batch


def problem_for(
    model: nn.Module,
    held: Sequence[Batch],
    others: Iterable[Source | None],
    asked: ProblemType | None,
) -> Problem:
    """The type of problem of `model`, by what is known of the calibration batches `held` and, where
    these have no labels, of the first batch of the `others`."""
    labelled = list(held)
    for source in others:
        if labelled[0].labels is None and source is not None:
            with torch.random.fork_rng([]):  # a loader that shuffles draws from it
                labelled = [next(batches.iterate(source, FIRST)), *held]
    if labelled[0].labels is None or language.is_language_model(model):
        # A few tell as much, and the logits of many texts take more memory than the model.
        labelled, held = [labelled[0][:FEW], *labelled[1:]], [held[0][:FEW]]
    with torch.no_grad(), evaluating(model):
        outputs = batches.forward(model, _like(labelled[0], held[0], model))
    return problem_of(model, outputs, labelled, asked)


def _like(first: Batch, held: Batch, model: nn.Module) -> batches.Inputs:
    """The inputs of the batch whose labels tell the problem, on the device of `model`."""
    return moved(held if first.labels is None else first, model).inputs


def check_labels(
    model: nn.Module, held: Sequence[Batch], train: Source | None, problem: Problem
) -> None:
    """Raise InputError where a label, as far as can be seen beforehand, does not fit the outputs of
    `model`. Those of the test data are seen when the first network is measured."""
    if problem.type != "feature_extraction":
        with torch.no_grad():
            one = batches.forward(model, held[0][:1].inputs)
        for batch in held:
            labels = language.targets(model, batch)
            if labels is not None:
                outputs = one.expand(len(labels), *one.shape[1:])
                fitted(problem, labels, _as_long(outputs, labels), "calibration")
        known = getattr(train, "labels", None)
        if isinstance(known, Tensor) and problem.type == "single_label_classification":
            _check_classes(known, classes_in(one), "training")


def _as_long(outputs: Tensor, labels: Tensor) -> Tensor:
    """`outputs` with as many tokens as `labels` have: batches differ in length."""
    if outputs.ndim != 3 or labels.ndim != 2 or labels.shape[1] in outputs.shape[1:]:
        return outputs
    return outputs[:, :1].expand(-1, labels.shape[1], -1)


def _check_classes(labels: Tensor | None, classes: int, name: str) -> None:
    asked = None if labels is None else labels[labels != IGNORED]
    if asked is None or not asked.numel() or asked.is_floating_point():
        return
    low, high = int(asked.min()), int(asked.max())
    if low < 0 or high >= classes:
        raise InputError(
            f"A {name} label is {low if low < 0 else high}, but the model has the classes 0 to "
            f"{classes - 1}."
        )


def check_training(
    model: nn.Module, train: Source, recipe: Recipe, device: torch.device, problem: Problem
) -> None:
    """Raise InputError where `model` cannot learn from the first batch of `train` by `recipe`, or
    does not run on another batch of a list, which costs little to read."""
    with torch.random.fork_rng([]), torch.no_grad():  # a loader that shuffles draws from it
        found = looked_at(batches.iterate(train, 2), model, "training")
        few = next(found)[:2].to(device)
        logits = batches.forward(model, few.inputs)
        goal = logits if recipe.distill > 0 else None
        batch_loss(model, Shard(few, len(few)), logits, goal, recipe, problem)
        one = problem.type == "single_label_classification"
        for batch in found if isinstance(train, (list, tuple)) else ():
            _check_classes(batch.labels if one else None, classes_in(logits), "training")


def _shape(batch: Batch) -> Shape:
    """All that tells one batch from another for a network, but the number of samples."""
    inputs = batch.inputs
    named = {"": inputs} if isinstance(inputs, Tensor) else inputs
    return tuple((name, value.shape[1:], value.dtype) for name, value in sorted(named.items()))


def _check_lengths(batch: Batch, where: str) -> None:
    labels = batch.labels
    if labels is not None and (labels.ndim == 0 or len(labels) != len(batch)):
        count = "one label" if labels.ndim == 0 else f"{len(labels)} labels"
        raise InputError(f"There are {count} for the {len(batch)} samples of {where}.")
