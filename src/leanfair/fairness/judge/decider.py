"""What everything that decides has in common: a judge, and a judge that a rule watches over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leanfair.fairness.types import Answer, Decision, Item

if TYPE_CHECKING:
    from typing_extensions import Self


class Decider(ABC):
    """Decides about texts or records; with the conventions of scikit-learn where it has any."""

    _estimator_type = "classifier"

    @property
    @abstractmethod
    def options(self) -> tuple[str, ...]:
        """What is decided among."""

    @property
    @abstractmethod
    def forward_passes(self) -> int:
        """How many prompts a model was really given so far; what a store knew is not among them."""

    @abstractmethod
    def decide(self, items: Iterable[Item] | Any) -> list[Decision]:
        """One decision for each text or record (or row of a pandas DataFrame)."""

    @abstractmethod
    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """One answer for each text or record (or row of a pandas DataFrame). `rows`: what messages
        call them by, where that is not their place, counted from 1."""

    @abstractmethod
    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate what needs no labels (see `calibration`); `y` is not looked at."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""

    @abstractmethod
    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""

    @abstractmethod
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that this was made with, as scikit-learn's `clone` wants them."""

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The options, in the order of `predict_proba`'s columns."""
        return np.array(self.options)

    def predict(self, X: Any) -> NDArray[np.object_]:
        """The label of each row of `X`, None where there is none."""
        decided = self.decide(X)
        labels = np.empty(len(decided), dtype=object)
        labels[:] = [decision.label for decision in decided]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probabilities [rows, options] that decided, NaN where there is no label."""
        nothing = dict.fromkeys(self.options, float("nan"))
        chosen = [d.probabilities if d.label is not None else nothing for d in self.decide(X)]
        table = [[row[name] for name in self.options] for row in chosen]
        return np.array(table, dtype=float).reshape(len(table), len(self.options))

    def __sklearn_is_fitted__(self) -> bool:
        return True
