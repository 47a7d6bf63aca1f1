"""Any Python callable as a model: texts in, probabilities of the options out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer

_BATCH = 32
"""Texts of one call: what a kill loses, since answers are written down once a call returns."""
_ROUNDING = 1e-3


class FunctionBackend:
    """A callable from a list of n texts to the probabilities [n, options].

    A row sums to 1, or to less where the model also says other things: the sum is then what the
    options capture. A row of NaN is unparsed. Where the callable raises, the batch at hand has
    failed and the others go on; if it raises at once, that is an error in it, and passed on.
    """

    def __init__(self, given: Function, options: Options) -> None:
        self.given = given
        self.options = options
        self._worked = False

    def identity(self) -> Mapping[str, Any]:
        """The callable's name; what it does cannot be told from outside."""
        name = self.given.name or _name(self.given.function)
        return {"kind": "callable", "model": name, "fingerprint": self.given.revision}

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        """Nothing: a callable has no limits that are known."""
        return {}

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Call the function on batches of prompts, in their order."""
        size = self.given.batch_size or _BATCH
        for start in range(0, len(prompts), size):
            texts = [prompt.plain for prompt in prompts[start : start + size]]
            for offset, answer in enumerate(self._batch(texts)):
                yield start + offset, answer

    def token_count(self, text: str) -> int | None:
        """Not known."""
        return None

    def _batch(self, texts: list[str]) -> list[Answer]:
        try:
            raw = self.given.function(texts)
        except Exception as error:  # of a user's own code, which may raise anything
            if not self._worked:
                raise
            return [Answer("failed", captured=0.0, text=f"{type(error).__name__}: {error}")] * len(
                texts
            )
        answers = [self._answer(row) for row in self._checked(raw, len(texts))]
        self._worked = True
        return answers

    def _checked(self, raw: Any, n: int) -> NDArray[np.float64]:
        names = self.options.names
        try:
            values = np.asarray(raw, dtype=float)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.shape != (n, len(names)):
            shape = list(values.shape) if values.ndim and values.size else type(raw).__name__
            raise InputError(
                f"The callable has to return probabilities of shape [{n}, {len(names)}] for {n} "
                f"texts and the options {', '.join(names)}, but returned {shape}."
            )
        sums = values.sum(axis=1)
        if (values < 0).any() or (sums > 1 + _ROUNDING).any() or np.isinf(values).any():
            raise InputError(
                "The callable has to return probabilities: none below 0, and none of the rows "
                "summing to more than 1."
            )
        return values

    def _answer(self, row: NDArray[np.float64]) -> Answer:
        total = float(row.sum())
        if not total > 0:  # NaN, or nothing for any option
            return Answer("unparsed", captured=0.0)
        close = abs(total - 1) <= _ROUNDING
        names = self.options.names
        probabilities = {n: float(p) / total for n, p in zip(names, row, strict=True)}
        return Answer("answered", probabilities, captured=1.0 if close else total)


def _name(function: Any) -> str:
    qualified = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', type(function).__module__)}.{qualified}"
