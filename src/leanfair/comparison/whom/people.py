"""Whom two language models decide about, and how both are asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leanfair.comparison.pair import Pair, Side
from leanfair.errors import InputError
from leanfair.fairness.audit.hearing import Question, checked
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.calibration import Calibration
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.judge.store import FILE, Store
from leanfair.fairness.lexicon.protected import Attributes
from leanfair.fairness.tables.labels import Labels
from leanfair.fairness.variations.placebo import Placebo

PATIENCE = 30.0
"""Seconds to wait for another process that adds to the same store."""


@dataclass(frozen=True)
class People:
    """The people whom both models decide about.

    `rows`: a data frame, a list of records or the path of a table. `prompt`, `options`,
    `calibration`, `system`, `min_captured`, `refusals`: as `leanfair.Judge` takes them; `chat`: as
    `leanfair.Local` does. All others are those of `leanfair.audit`: `attribute` is what must not
    count, `group` the column of groups. A placebo doubles what is asked: by default there is none.
    """

    rows: Any
    prompt: str | os.PathLike[str]
    options: Sequence[str] | Mapping[str, Sequence[str]]
    favourable: str
    group: str | Sequence[str]
    attribute: Attributes | None = None
    label: str | None = None
    labels: Labels = None
    cluster: str | None = None
    weight: str | None = None
    count: str | None = None
    cuts: Mapping[str, Sequence[float]] | str | Sequence[str] | None = None
    reference: str | None = None
    placebo: Placebo = None
    calibration: Calibration | None = None
    system: str | None = None
    min_captured: float = 0.1
    refusals: Sequence[str] = ()
    chat: bool | None = None
    bootstrap: int = 2000

    def question(self, seed: int) -> Question:
        """What is asked of each model: its decisions as they stand, without a rule."""
        return Question(
            self.group, self.favourable, self.label, self.attribute, (), self.placebo, self.labels,
            self.cluster, self.weight, self.count, self.cuts, reference=self.reference, seed=seed,
            bootstrap=self.bootstrap,
        )  # fmt: skip

    def judge(self, side: Side, store: Path | None) -> Judge:
        """One of the models as a judge. `store`: a folder for its answers, None for memory."""
        if side.tokenizer is None:
            raise InputError(
                f"{side.name} has no tokenizer, so it cannot be asked about people: give the "
                f"tokenizer."
            )
        return Judge(
            Local((side.model, side.tokenizer), chat=self.chat, name=side.name),
            self.prompt,
            self.options,
            calibration=self.calibration,
            system=self.system,
            min_captured=self.min_captured,
            refusals=self.refusals,
            store=None if store is None else Store(store / FILE, wait=PATIENCE),
        )


_NEEDED = ("prompt", "options", "favourable", "group")


def people_of(
    people: Any,
    *,
    attribute: Attributes | None = None,
    prompt: str | os.PathLike[str] | None = None,
    options: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    favourable: str | None = None,
    group: str | Sequence[str] | None = None,
    label: str | None = None,
) -> People | None:
    """The arguments of `compare` about people as one value: `people` is a table, or has all of it.
    None where nothing is asked about people. Raises InputError where something is missing."""
    asked = {
        "attribute": attribute, "prompt": prompt, "options": options, "favourable": favourable,
        "group": group, "label": label,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if people is None:
        if given:
            raise InputError(
                f"{next(iter(given))} says how people are decided about, and there are none: give "
                f"people, a table of them."
            )
        return None
    if isinstance(people, People):
        return replace(people, **given) if given else people
    for name in _NEEDED:
        if name not in given:
            raise InputError(
                f"{name} is missing: to decide about people, two models need a prompt, options, "
                f"the favourable one and the column of a group."
            )
    return People(people, **given)


def check_people(pair: Pair, people: People) -> None:
    """Raise InputError where the models of a pair cannot be asked about `people`, or where there is
    something wrong with these, before anything is asked."""
    if not pair.is_language:
        raise InputError(
            f"{pair.parent.name} is no language model, so it cannot be asked about people with a "
            f"prompt: for a classifier, name the groups of its test data."
        )
    for side in pair.sides:
        judge = people.judge(side, None)
        table = checked(judge, people.rows, people.question(0)).table
        wrong = judge.backend.check(judge.template.render(table.items, table.numbers))
        if wrong:
            row = min(wrong)
            raise InputError(f"{name_rows([table.numbers[row]])} {wrong[row]}")
