"""Whether two models answer the same task, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.comparison.pair import Pair, Pixels, Side, seen_by
from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.data.language import is_language_model
from leanfair.errors import InputError
from leanfair.evaluation.answers import names_of
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import classes_in
from leanfair.evaluation.problem_type import ProblemType
from leanfair.pruning.run.sources import problem_for
from leanfair.pruning.structures.supported import try_out

FIRST = 64
"""Samples of the test data that tell what the answers mean."""


def fitted(
    parent: Side, child: Side, test: Source | None, asked: ProblemType | None = None
) -> Pair:
    """`parent` and `child` as a pair, once it is clear that both answer the same task on `test`.
    Raises InputError where they do not."""
    check_labels_alike(parent, child)
    check_tokenizers_alike(parent, child)
    language = is_language_model(parent.model)
    if language != is_language_model(child.model):
        one, other = (parent, child) if language else (child, parent)
        raise InputError(
            f"{one.name} is a language model, but {other.name} is none: compare two models that "
            f"answer the same task."
        )
    if test is None:
        return Pair(parent, child, None, language)
    parent, child = (with_pixels(side, test) for side in (parent, child))
    first = first_of(test)
    mine, its = (outputs_of(side, seen_by(side, test)) for side in (parent, child))
    check_outputs_alike(parent, child, mine, its)
    if language:
        return Pair(parent, child, None, True)
    problem = problem_for(parent.model, [first], (), asked)
    if problem.classifies:
        check_data_classes(parent, test, max(2, classes_in(mine)))
    count = max(2, classes_in(mine))  # a single logit tells two classes apart
    classes = names_of(parent.model, test, count) if problem.classifies else ()
    return Pair(parent, child, problem, False, tuple(classes))


def first_of(test: Source, count: int = FIRST) -> Batch:
    """The first samples of the test data."""
    with torch.random.fork_rng([]):  # a loader that shuffles draws from it
        return next(batches.iterate(test, count))


def outputs_of(side: Side, test: Source) -> Tensor:
    """What a side answers for the first sample. Raises InputError where it does not run."""
    with evaluating(side.model):
        return try_out(side.model, first_of(test)[:1], "the test data")


def with_pixels(side: Side, test: Source) -> Side:
    """`side`, told how its images are normalised: as its own processor says, else as the test data
    are."""
    mean, std = getattr(test, "mean", None), getattr(test, "std", None)
    if side.pixels is not None or not isinstance(mean, tuple) or not isinstance(std, tuple):
        return side
    return replace(side, pixels=Pixels(mean, std))


def check_outputs_alike(parent: Side, child: Side, one: Tensor, other: Tensor) -> None:
    """Raise InputError where both answer in another shape."""
    if one.shape == other.shape:
        return
    mine, its = classes_in(one), classes_in(other)
    if one.ndim == other.ndim and mine != its:
        raise InputError(
            f"{parent.name} tells {mine} classes apart, but {child.name} {its}: compare two models "
            f"of the same classes."
        )
    raise InputError(
        f"{parent.name} answers with outputs {list(one.shape)}, but {child.name} with "
        f"{list(other.shape)}: compare two models that answer the same task."
    )


def check_labels_alike(parent: Side, child: Side) -> None:
    """Raise InputError where both name their classes otherwise."""
    mine, its = class_names(parent.model), class_names(child.model)
    if mine is None or its is None or mine == its:
        return
    if len(mine) != len(its):
        raise InputError(
            f"{parent.name} tells {len(mine)} classes apart, but {child.name} {len(its)}: compare "
            f"two models of the same classes."
        )
    place = next(i for i, (a, b) in enumerate(zip(mine, its, strict=True)) if a != b)
    raise InputError(
        f"Class {place} is {mine[place]!r} in {parent.name}, but {its[place]!r} in {child.name}: "
        f"compare two models of the same classes, in the same order."
    )


def check_data_classes(side: Side, test: Source, count: int) -> None:
    """Raise InputError where the data have more classes than the `count` of the model, or the same
    names in another order."""
    told: Any = getattr(test, "classes", None)
    if not isinstance(told, (list, tuple)):
        return
    if len(told) > count:
        raise InputError(
            f"The test data have {len(told)} classes, but {side.name} tells {count} apart: give "
            f"data of its classes."
        )
    known, names = class_names(side.model), [str(name) for name in told]
    if known is None or set(known) != set(names) or list(known) == names:
        return
    place = next(i for i, (a, b) in enumerate(zip(known, names, strict=True)) if a != b)
    raise InputError(
        f"Class {place} is {names[place]!r} in the test data, but {known[place]!r} in {side.name}: "
        f"number the classes as the model does."
    )


def class_names(model: nn.Module) -> Sequence[str] | None:
    """The names of the classes that a model of transformers tells; None where it names none."""
    if is_language_model(model):
        return None
    told: Any = getattr(getattr(model, "config", None), "id2label", None) or {}
    names = [str(told[key]) for key in sorted(told, key=int)]
    plain = all(name == f"LABEL_{number}" for number, name in enumerate(names))
    return None if plain else names


def check_tokenizers_alike(parent: Side, child: Side) -> None:
    """Raise InputError where both turn texts into other tokens."""
    mine, its = (vocabulary(side.tokenizer) for side in (parent, child))
    if mine is None or its is None or mine == its:
        return
    why = (
        f"{len(mine):,} tokens and {len(its):,}"
        if len(mine) != len(its)
        else f"{next(word for word in mine if mine[word] != its.get(word))!r} is another token"
    )
    raise InputError(
        f"{parent.name} and {child.name} have different tokenizers ({why}), so their figures "
        f"cannot be compared: compare models of one tokenizer."
    )


def vocabulary(tokenizer: Any) -> dict[str, int] | None:
    """The tokens of a tokenizer by their numbers; None where it does not tell."""
    get = getattr(tokenizer, "get_vocab", None)
    return None if get is None else dict(get())
