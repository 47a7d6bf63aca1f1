"""What everything that decides has in common: a judge, and a judge that a rule watches over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from leanfair.errors import InputError
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.types import Answer, Decision, Item

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Prepared:
    """Items that can be asked about: what `judge` has to answer, and what is decided by that.

    Where several are prepared, each by itself, their `asked` may be put to one judge together: what
    is decided about the one does not depend on the others. `rows`: what messages call the items of
    `asked` by. `decided`: from the answers to `asked`, in its order, to the decisions.
    """

    judge: Decider
    asked: list[Item]
    rows: list[int]
    decided: Callable[[Sequence[Answer]], list[Decision]]


class Decider(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn classifier of texts or records.

    `X` is a list or an array of texts ([n] or [n, 1]), a list of records, or a data frame of
    pandas, polars or another kind that narwhals knows. As scikit-learn has it, a constructor keeps
    its arguments as they are and does no work: they are looked at when they are first needed.
    """

    options: Any
    """What is decided among: names, or name -> forms, as they were given."""

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of the options."""
        return tuple(self.options)

    @property
    @abstractmethod
    def forward_passes(self) -> int:
        """How many prompts a model was really given so far, by this or a copy of it; what a store
        knew is not among them."""

    @abstractmethod
    def decide(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Decision]:
        """One decision for each text or record (or row of a data frame). `rows`: see `answers`."""

    @abstractmethod
    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """One answer for each text or record (or row of a data frame). `rows`: what messages call
        them by, where that is not their place, counted from 1."""

    def prepared(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> Prepared:
        """`decide` up to where the model is asked. Raises InputError where an item cannot be
        decided about."""
        raise InputError("Decisions that exist are looked up: no model can be asked for them.")

    @abstractmethod
    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Estimate what needs no labels (see `calibration`); `y` is not looked at."""

    def decide_part(self, items: Sequence[Item], rows: Sequence[int]) -> list[Decision]:
        """As `decide`, for some rows of a table that was checked as a whole: that none of them
        holds a value of an attribute is no error of theirs."""
        return self.decide(items, rows=rows)

    def strangeness(self, items: Sequence[Item], rows: Sequence[int]) -> InputError | None:
        """What is wrong with the first item, where no item of a table holds a value of the
        attribute that must not count; None where one does."""
        return None

    def fit_parts(self, parts: Iterable[tuple[Sequence[Item], Sequence[int]]]) -> Self:
        """`fit` to a table that comes in parts, each items and the numbers of their rows; it is the
        same to the last bit."""
        return self.fit([item for items, _ in parts for item in items])

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """All that the decisions depend on, in plain JSON types."""

    @abstractmethod
    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields of a record that a model is shown ("text" for texts), None where that is not
        known."""
        return None

    @property
    def varies(self) -> bool:
        """Whether it can be asked about items that it has not seen, such as variations."""
        return True

    @property
    def fitted(self) -> bool:
        """Whether nothing is left for `fit` to estimate."""
        return True

    def check(self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None) -> None:
        """Raise InputError where an item cannot be decided about, before any is paid for. `rows`:
        see `answers`."""
        return

    def forget(self, most: int) -> None:
        """Keep at most so many answers in memory, the latest; those in a file stay."""
        return

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The options, in the order of `predict_proba`'s columns."""
        return np.array(self.option_names)

    def predict(self, X: Any) -> NDArray[np.object_]:
        """The label of each row of `X`, None where there is none."""
        decided = self.decide(X)
        labels = np.empty(len(decided), dtype=object)
        labels[:] = [decision.label for decision in decided]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probabilities [rows, options] that decided, NaN where there is no label."""
        nothing = dict.fromkeys(self.option_names, float("nan"))
        chosen = [d.probabilities if d.label is not None else nothing for d in self.decide(X)]
        table = [[row[name] for name in nothing] for row in chosen]
        return np.array(table, dtype=float).reshape(len(table), len(nothing))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: the share of rows whose label is `y`, each counted by its weight. A row
        without a label is wrong. Raises InputError where `y` holds what is none of the options."""
        predicted, truth = self.predict(X), [str(label) for label in y]
        if len(truth) != len(predicted):
            raise InputError(f"y has {len(truth)} labels for the {len(predicted)} rows of X.")
        names = self.option_names
        strange = [n for n, label in enumerate(truth, start=1) if label not in names]
        if strange:
            raise InputError(
                f"{name_rows(strange)} of y: {truth[strange[0] - 1]!r} is none of the options "
                f"({', '.join(names)}): write the labels as the options are written."
            )
        right = [label == true for label, true in zip(predicted, truth, strict=True)]
        return float(np.average(right, weights=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        return self.fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.dict = True
        tags.target_tags.required = False
        tags.requires_fit = False
        tags.no_validation = True
        return tags
