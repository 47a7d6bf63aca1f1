"""How good a network is: a classifier by its accuracy, a language model by its perplexity, a
regression by its error, a representation by how similar it stays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

from torch import Tensor, nn

from leanfair.data import batches, language
from leanfair.data.batches import Batch, Source
from leanfair.evaluation import answers, numbers, perplexity
from leanfair.evaluation.accuracy import Change
from leanfair.evaluation.answers import Answers, names_of
from leanfair.evaluation.numbers import ErrorChange, SimilarityChange
from leanfair.evaluation.perplexity import PerplexityChange
from leanfair.evaluation.problem import SINGLE, Problem
from leanfair.pruning.measured_schema import (
    AccuracyChangeEntry,
    ClassEntry,
    ErrorChangeEntry,
    Measured,
    Numbers,
    PerplexityChangeEntry,
    SimilarityChangeEntry,
)
from leanfair.pruning.run.calibration import Calibration

Changed = Change | PerplexityChange | ErrorChange | SimilarityChange
Look = Callable[[Iterable[Batch]], Iterable[Batch]]
Pair = tuple["float | None", "float | None"]
QualityName = Literal["accuracy", "perplexity", "error", "similarity"]


class Quality(Protocol):
    """What a run measures its networks by."""

    @property
    def name(self) -> QualityName:
        """How it is called in summary.json, and in a `Step`."""

    @property
    def known(self) -> bool:
        """Whether the calibration data tell what is right."""

    def calibrated(self, model: nn.Module) -> float | None:
        """That of `model` on the calibration data; None where they do not tell what is right."""

    def tested(self, model: nn.Module, look: Look | None = None) -> Any:
        """For the test samples how `model` did; None where there are none, or they do not tell what
        is right. `look` sees every batch first."""

    def change(self, before: Any, after: Any) -> Changed:
        """What became of what `tested` found."""


@dataclass(frozen=True)
class Labelled:
    """A measure that compares outputs with labels, of whatever kind `problem` says."""

    calibration: Calibration
    test: Source | None
    problem: Problem = SINGLE

    @property
    def known(self) -> bool:
        return all(batch.labels is not None for batch in self.calibration.batches)

    def labelled_test(self) -> Source | None:
        """The test data, where they have labels."""
        if self.test is None or next(batches.iterate(self.test, 1)).labels is None:
            return None
        return self.test


@dataclass(frozen=True)
class Accuracy(Labelled):
    """The share of answers that are as the labels say."""

    name: Literal["accuracy"] = "accuracy"

    def classes(self, model: nn.Module) -> Answers | None:
        """How `model` does on the calibration data, class by class."""
        if not self.known:
            return None
        return answers.answers(model, self.calibration.batches, self.problem)

    def calibrated(self, model: nn.Module) -> float | None:
        found = self.classes(model)
        return None if found is None else found.accuracy

    def tested(self, model: nn.Module, look: Look | None = None) -> Answers | None:
        test = self.labelled_test()
        return (
            None if test is None else answers.answers(model, _seen(test, 256, look), self.problem)
        )

    def change(self, before: Answers, after: Answers) -> Change:
        return answers.change(before, after)


@dataclass(frozen=True)
class Error(Labelled):
    """The mean squared error."""

    name: Literal["error"] = "error"

    def calibrated(self, model: nn.Module) -> float | None:
        if not self.known:
            return None
        return float(numbers.errors(model, self.calibration.batches, self.problem).mean())

    def tested(self, model: nn.Module, look: Look | None = None) -> Tensor | None:
        test = self.labelled_test()
        return None if test is None else numbers.errors(model, _seen(test, 256, look), self.problem)

    def change(self, before: Tensor, after: Tensor) -> ErrorChange:
        return numbers.error_change(before, after)


@dataclass(frozen=True)
class Similarity:
    """How similar the representations of samples stay to those of the first network, `model`."""

    calibration: Calibration
    test: Source | None
    model: nn.Module
    name: Literal["similarity"] = "similarity"
    known: bool = True

    @cached_property
    def first(self) -> Tensor:
        """The representations of the calibration data in the first network."""
        return numbers.representations(self.model, self.calibration.pieces)

    def calibrated(self, model: nn.Module) -> float | None:
        found = numbers.representations(model, self.calibration.pieces)
        return numbers.cosine(self.first, found)

    def tested(self, model: nn.Module, look: Look | None = None) -> Tensor | None:
        if self.test is None:
            return None
        return numbers.representations(model, _seen(self.test, 64, look))

    def change(self, before: Tensor, after: Tensor) -> SimilarityChange:
        return numbers.similarity_change(before, after)


@dataclass(frozen=True)
class Perplexity:
    """exp of the mean negative log-likelihood of what each position should say."""

    calibration: Calibration
    test: Source | None
    model: nn.Module
    """The first network, which tells whether the next token of a text is right."""
    name: Literal["perplexity"] = "perplexity"

    @property
    def known(self) -> bool:
        held = self.calibration.batches
        return all(language.targets(self.model, batch) is not None for batch in held)

    def calibrated(self, model: nn.Module) -> float | None:
        return perplexity.perplexity(model, self.calibration.pieces) if self.known else None

    def tested(self, model: nn.Module, look: Look | None = None) -> Tensor | None:
        if self.test is None:
            return None
        first = next(batches.iterate(self.test, 1))
        if language.targets(self.model, first) is None:
            return None
        return perplexity.losses(model, _seen(self.test, 8, look))

    def change(self, before: Tensor, after: Tensor) -> PerplexityChange:
        return perplexity.change(before, after)


def quality_for(
    model: nn.Module, calibration: Calibration, test: Source | None, problem: Problem = SINGLE
) -> Quality:
    """What `model`, and all that is made of it, is measured by."""
    if problem.type == "regression":
        return Error(calibration, test, problem)
    if problem.type == "feature_extraction":
        return Similarity(calibration, test, model)
    if calibration.tokenwise and problem.type == "single_label_classification":
        return Perplexity(calibration, test, model)
    return Accuracy(calibration, test, problem)


def _seen(source: Source, batch_size: int, look: Look | None) -> Any:
    """`source`, or its batches after `look` saw them."""
    return source if look is None else look(batches.iterate(source, batch_size))


# ---- in summary.json --------------------------------------------------------------------------


class Tested(NamedTuple):
    """What the first network and the last one did on the test data, and the change."""

    before: Any
    after: Any
    change: Changed


def measured(
    base: nn.Module, quality: Quality, problem: Problem, test: Tested | None, calibration: Pair
) -> Measured:
    """The measured keys of summary.json; those of other measures than the run's are None."""
    found: Measured = {
        "notes": [],
        "stock": None,
        "preprocessing": None,
        "problem": {"type": problem.type, "known_by": problem.known_by},
        "quality": quality.name,
        "accuracy": None,
        "accuracy_change": None,
        "calibration_accuracy": None,
        "balanced_accuracy": None,
        "worst_class": None,
        "classes": None,
        "perplexity": None,
        "perplexity_change": None,
        "calibration_perplexity": None,
        "error": None,
        "error_change": None,
        "calibration_error": None,
        "similarity": None,
        "similarity_change": None,
        "calibration_similarity": None,
    }
    watched = _numbers(calibration)
    if quality.name == "accuracy":
        found["calibration_accuracy"] = watched
    elif quality.name == "perplexity":
        found["calibration_perplexity"] = watched
    elif quality.name == "error":
        found["calibration_error"] = watched
    else:
        found["calibration_similarity"] = watched
    if test is not None:
        _add(found, base, quality, test)
    return found


def _add(found: Measured, base: nn.Module, quality: Quality, test: Tested) -> None:
    change = test.change
    both: Numbers = {"before": change.before, "after": change.after}
    if isinstance(change, Change):
        found["accuracy"], found["accuracy_change"] = both, _accuracy_change(change)
        found["classes"] = classes = _classes(base, quality, test.before, test.after)
        found["worst_class"] = min(classes, key=lambda each: each["after"] - each["before"])
        found["balanced_accuracy"] = {
            "before": test.before.balanced,
            "after": test.after.balanced,
        }
    elif isinstance(change, PerplexityChange):
        found["perplexity"], found["perplexity_change"] = both, _growth(change)
    elif isinstance(change, ErrorChange):
        found["error"], found["error_change"] = both, _error_change(change)
    else:
        found["similarity"], found["similarity_change"] = both, _similarity_change(change)


def _classes(
    base: nn.Module, quality: Quality, before: Answers, after: Answers
) -> list[ClassEntry]:
    """Every class with samples, by its number."""
    names = names_of(base, getattr(quality, "test", None), len(before.classes))
    shares = zip(before.by_class.tolist(), after.by_class.tolist(), strict=True)
    return [
        {"name": name, "samples": int(counts[0]), "before": old, "after": new}
        for name, counts, (old, new) in zip(names, before.classes, shares, strict=True)
        if not math.isnan(old)
    ]


def _accuracy_change(found: Change) -> AccuracyChangeEntry:
    return {
        "value": found.after - found.before,
        "low": found.low,
        "high": found.high,
        "samples": found.samples,
        "lost": found.lost,
        "gained": found.gained,
    }


def _growth(found: PerplexityChange) -> PerplexityChangeEntry:
    return {
        "value": found.ratio,
        "low": _finite(found.low),
        "high": _finite(found.high),
        "tokens": found.tokens,
    }


def _error_change(found: ErrorChange) -> ErrorChangeEntry:
    return {
        "value": found.after - found.before,
        "low": found.low,
        "high": found.high,
        "samples": found.samples,
    }


def _similarity_change(found: SimilarityChange) -> SimilarityChangeEntry:
    return {"rank_correlation": found.rank_correlation, "samples": found.samples}


def _finite(value: float | None) -> float | None:
    """None for what is no number, as an interval may be where a network is broken."""
    return None if value is None or not math.isfinite(value) else value


def _numbers(pair: Pair) -> Numbers | None:
    before, after = pair
    return None if before is None or after is None else {"before": before, "after": after}
