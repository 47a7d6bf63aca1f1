"""Decisions of two models about the same people, made up, as an audit gathers them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.schema.whom import Whom
from leanfair.comparison.whom.decisions import decisions_section
from leanfair.comparison.whom.hearing import hear_both
from leanfair.comparison.whom.paired.beside import Groups
from leanfair.comparison.whom.paired.contrasts import Outcome
from leanfair.comparison.whom.people import People
from leanfair.fairness.audit.evidence import Evidence
from leanfair.fairness.metrics.groupings import grouping_of
from leanfair.fairness.variations.placebo import PlaceboVariations
from leanfair.statistics import Resampling
from tests.support import tiny_judge
from tests.support.judges import OPTIONS, PROMPT, RACE, biased, judge, people, varied
from tests.support.pairs import damaged

Bools = NDArray[np.bool_]


def evidence(chosen: Bools) -> Evidence:
    """Answers to all variations: `chosen` [n, values] says which are favourable."""
    sets = [
        tuple(varied(f"v{j}", j == 0, one) for j, one in enumerate(row)) for row in chosen.tolist()
    ]
    placebo = PlaceboVariations([])
    return Evidence(sets, None, [() for _ in sets], placebo, tuple(OPTIONS), 0, [], False)


def decided(
    rng: np.random.Generator, n: int, values: int, shift: float = 0.0, noise: float = 0.2
) -> tuple[Bools, Bools]:
    """What parent and child decide, [n, values] each: most rows have their own decision, which each
    model turns round by chance; the child favours the first value by `shift` more."""
    own = rng.random(n) < 0.5
    chance = np.where(own, 1 - noise, noise)[:, None]
    parent = rng.random((n, values)) < chance
    moved = chance + shift * (np.arange(values) == 0)
    return parent, rng.random((n, values)) < moved


def resampling(n: int, draws: int = 500, seed: int = 0) -> Resampling:
    """Independent rows."""
    return Resampling(np.arange(n), seed, draws)


def groups(
    names: Sequence[str],
    parent: Bools,
    child: Bools,
    *,
    truth: Bools | None = None,
    how: Resampling | None = None,
) -> Groups:
    """Decisions of parent and child [n] about people of the groups `names`."""
    everyone = np.ones(len(parent), bool)
    outcomes = {"selection_rate": Outcome(parent, child, everyone)}
    if truth is not None:
        outcomes |= {
            "true_positive_rate": Outcome(parent, child, truth),
            "false_positive_rate": Outcome(parent, child, ~truth),
            "accuracy": Outcome(parent == truth, child == truth, everyone),
        }
    grouping = grouping_of("group", ["group"], [list(names)])
    return Groups(grouping, outcomes, how or resampling(len(parent)))


# ---- whole sections -----------------------------------------------------------------------------


@cache
def section(against: str = "black", by: float = 0.15, noisy: float = 0.3, seed: int = 0) -> Whom:
    """What two small judges decide about the same people: the child takes `by` off the score of
    those of whom it is `against`, the parent does not."""
    asked = about(seed=seed)
    judges = (judge(biased(noisy=0.3)), judge(biased(against, by, noisy=noisy)))
    return decisions_section(hear_both(judges, asked), ("Parent", "Child"))


def about(n: int = 200, seed: int = 0, **changed: Any) -> People:
    """200 people, and what is asked about them."""
    given: dict[str, Any] = {
        "rows": people(n, seed), "prompt": PROMPT, "options": OPTIONS, "favourable": "yes",
        "group": "race", "attribute": RACE, "label": "hired", "bootstrap": 100,
    }  # fmt: skip
    return People(**{**given, **changed})


def language_pair(noise: float = 0.05) -> Pair:
    """A tiny language model, and one that differs from it by noise."""
    parent, words = tiny_judge.model(), tiny_judge.tokenizer()
    sides = (parent, damaged(parent, noise))
    names = ("Parent", "Child")
    return Pair(
        *(Side(name, side, words) for name, side in zip(names, sides, strict=True)), None, True
    )
