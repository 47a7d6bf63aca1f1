"""Opening two models that answer the same task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanfair.comparison.pair import Pair
from leanfair.comparison.sides.fitting import fitted
from leanfair.comparison.sides.reading import Model, side_of
from leanfair.data.batches import Source
from leanfair.errors import InputError
from leanfair.evaluation.problem_type import ProblemType

__all__ = ["Model", "open_pair"]


def open_pair(
    base: Model,
    pruned: Model | None = None,
    *,
    test: Source | None = None,
    tokenizer: Any = None,
    problem_type: ProblemType | None = None,
) -> Pair:
    """The models that `base` and `pruned` name, side by side. Raises InputError where one is no
    model, and where the two do not answer the same task."""
    if pruned is None:
        raise InputError(f"{_named(base)} is one model: name a second one to compare it with.")
    parent = side_of(base, tokenizer=tokenizer)
    child = side_of(pruned, tokenizer=tokenizer, like=parent.model)
    return fitted(parent, child, test, problem_type)


def _named(given: Model) -> str:
    return str(given) if isinstance(given, (str, Path)) else type(given).__name__
