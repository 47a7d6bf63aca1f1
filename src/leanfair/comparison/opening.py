"""Opening two models that answer the same task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from leanfair.comparison.pair import Pair
from leanfair.comparison.sides.fitting import fitted
from leanfair.comparison.sides.overlap import check_unseen
from leanfair.comparison.sides.reading import Model, side_of
from leanfair.comparison.sides.run import both_of, is_whole_run, run_of
from leanfair.comparison.sides.texts import read_texts
from leanfair.data.batches import Source
from leanfair.evaluation.problem_type import ProblemType
from leanfair.pruning.run.sources import readable

__all__ = ["Model", "open_pair"]


def open_pair(
    base: Model,
    pruned: Model | None = None,
    *,
    test: Source | None = None,
    tokenizer: Any = None,
    problem_type: ProblemType | None = None,
) -> Pair:
    """The models that `base` and `pruned` name, side by side; without `pruned` the first and the
    last network of the run that `base` is. Raises InputError where one is no model, where the two
    do not answer the same task, and where a run was trained on the test data."""
    if pruned is None:
        parent, child, run = both_of(base, tokenizer)
    else:
        parent = side_of(base, tokenizer=tokenizer)
        child = side_of(pruned, tokenizer=tokenizer, like=parent.model)
        run = run_of(pruned)
    held = None if test is None else readable(read_texts(test, parent))
    if held is not None and run is not None:
        check_unseen(run, held)
    pair = fitted(parent, child, held, problem_type)
    return replace(pair, test=held, run=run if is_whole_run(run, parent) else None)
