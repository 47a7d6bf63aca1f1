"""Whom pruning touched: the section of a comparison."""

from __future__ import annotations

import os
from pathlib import Path

from leanfair.comparison.headline import Said
from leanfair.comparison.pair import Pair
from leanfair.comparison.schema import whom as schema
from leanfair.comparison.whom.decisions import decisions_section
from leanfair.comparison.whom.hearing import Tell, hear_both
from leanfair.comparison.whom.people import People, check_people

FOLDER = "whom"
"""The folder in a comparison's directory that holds both audits and their answers."""


def whom_of(
    pair: Pair,
    people: People,
    *,
    out: Path | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> schema.Whom:
    """What both language models of `pair` decide about `people`, and what pruning changed.

    `out`: the comparison's directory, which then holds both audits and every answer, so that the
    same comparison pays for none twice. Raises InputError in one sentence for whatever is not as it
    has to be, as an audit does.
    """
    check_people(pair, people)
    target = None if out is None else out / FOLDER
    judges = [
        people.judge(side, None if target is None else target / folder)
        for side, folder in zip(pair.sides, ("parent", "child"), strict=True)
    ]
    both = hear_both((judges[0], judges[1]), people, seed=seed, out=target, tell=tell)
    pages = [] if out is None else [os.path.relpath(page, out) for page in both.pages]
    return decisions_section(both, (pair.parent.name, pair.child.name), pages)


def said_of(found: schema.Whom | None) -> Said:
    """What this section adds to the headline."""
    if found is None:
        return Said()
    if found["verdict"] == "changed":
        return Said(lost=(found["part"],))
    return Said(unknown=(found["part"],))
