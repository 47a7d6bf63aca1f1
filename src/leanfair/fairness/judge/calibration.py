"""Calibration without labels: what a model says to every text alike is divided out.

Small models say yes to all: their probabilities hold a leaning that has nothing to do with the
text. Both kinds estimate that leaning as a prior over the options and divide by it:

- contextual (Zhao et al., 2021): from prompts with nothing in them, "N/A", "[MASK]" and "";
- batch (Zhou et al., 2023): from the mean over the texts themselves.

For two options, batch calibration says yes where a text's probability lies above the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import fsum
from typing import Literal

from leanfair.errors import InputError
from leanfair.fairness.types import Answer

Calibration = Literal["contextual", "batch"]
CALIBRATIONS: tuple[Calibration, ...] = ("contextual", "batch")

EMPTY_CONTENTS = ("N/A", "[MASK]", "")
MIN_BATCH = 10
"""The fewest answers whose mean is taken for a leaning of the model's."""
_LEAST = 1e-9


def prior_of(answers: Sequence[Answer], options: Sequence[str]) -> dict[str, float]:
    """The mean of the probabilities of the `answers` that are answered, whatever their order.

    Raises InputError where none is.
    """
    answered = [a.probabilities for a in answers if a.status == "answered"]
    if not answered:
        raise InputError(
            "No text was answered, so there is nothing to calibrate by: see what the model writes, "
            "and ask for the options more plainly in the prompt."
        )
    return {name: fsum(p[name] for p in answered) / len(answered) for name in options}


class Leaning:
    """The batch prior of a table that comes in parts: whatever the parts are, to the last bit that
    of the whole, since sums are exact."""

    def __init__(self, options: Sequence[str]) -> None:
        self._sums = dict.fromkeys(options, 0)
        self._answered = 0

    def add(self, answers: Sequence[Answer]) -> None:
        """Take the answers of one more part."""
        for answer in answers:
            if answer.status == "answered":
                self._answered += 1
                for name in self._sums:
                    over, under = answer.probabilities[name].as_integer_ratio()
                    self._sums[name] += over * (_UNIT // under)

    def prior(self) -> dict[str, float]:
        """The prior. Raises InputError where the table is too small to tell."""
        _check_batch(self._answered)
        return {name: float(Fraction(n, _UNIT)) / self._answered for name, n in self._sums.items()}


_UNIT = 1 << 1074
"""Every float is a multiple of 1 / _UNIT."""


def batch_prior(answers: Sequence[Answer], options: Sequence[str]) -> dict[str, float]:
    """`prior_of` a batch. Raises InputError where it is too small to tell."""
    _check_batch(sum(answer.status == "answered" for answer in answers))
    return prior_of(answers, options)


def _check_batch(answered: int) -> None:
    if answered < MIN_BATCH:
        raise InputError(
            f"Batch calibration needs at least {MIN_BATCH} answered texts, and here are "
            f"{answered}: call fit with a larger table, or use contextual calibration."
        )


def calibrated(answer: Answer, prior: Mapping[str, float]) -> Answer:
    """`answer` with the leaning `prior` divided out; one that is not answered stays as it is."""
    if answer.status != "answered":
        return answer
    weights = {
        name: value / max(prior[name], _LEAST) for name, value in answer.probabilities.items()
    }
    total = fsum(weights.values())
    return replace(answer, probabilities={name: w / total for name, w in weights.items()})
