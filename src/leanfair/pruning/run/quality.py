"""How good a network is: a classifier by its accuracy, a language model by its perplexity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from leanfair.data import batches, language
from leanfair.data.batches import Batch, Source
from leanfair.evaluation import accuracy, perplexity
from leanfair.evaluation.accuracy import Change
from leanfair.evaluation.perplexity import PerplexityChange
from leanfair.pruning.run.calibration import Calibration

Changed = Change | PerplexityChange
Look = Callable[[Iterable[Batch]], Iterable[Batch]]


class Quality(Protocol):
    """What a run measures its networks by."""

    @property
    def name(self) -> Literal["accuracy", "perplexity"]:
        """How it is called in summary.json, and in a `Step`."""

    @property
    def known(self) -> bool:
        """Whether the calibration data tell what is right."""

    def calibrated(self, model: nn.Module) -> float | None:
        """That of `model` on the calibration data; None where they do not tell what is right."""

    def tested(self, model: nn.Module, look: Look | None = None) -> Tensor | None:
        """For each test sample how `model` did, [n, ...]; None where there are none, or they do not
        tell what is right. `look` sees every batch first."""

    def change(self, before: Tensor, after: Tensor) -> Changed:
        """What became of what `tested` found."""


@dataclass(frozen=True)
class Accuracy:
    """The share of samples whose largest logit is that of their label."""

    calibration: Calibration
    test: Source | None
    name: Literal["accuracy"] = "accuracy"

    @property
    def known(self) -> bool:
        return all(batch.labels is not None for batch in self.calibration.batches)

    def calibrated(self, model: nn.Module) -> float | None:
        return accuracy.accuracy(model, self.calibration.batches) if self.known else None

    def tested(self, model: nn.Module, look: Look | None = None) -> Tensor | None:
        if self.test is None or next(batches.iterate(self.test, 1)).labels is None:
            return None
        return accuracy.correct(model, _seen(self.test, 256, look)).cpu()

    def change(self, before: Tensor, after: Tensor) -> Change:
        return accuracy.change(before, after)


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


def quality_for(model: nn.Module, calibration: Calibration, test: Source | None) -> Quality:
    """What `model`, and all that is made of it, is measured by."""
    if calibration.tokenwise:
        return Perplexity(calibration, test, model)
    return Accuracy(calibration, test)


def _seen(source: Source, batch_size: int, look: Look | None) -> Any:
    """`source`, or its batches after `look` saw them."""
    return source if look is None else look(batches.iterate(source, batch_size))
