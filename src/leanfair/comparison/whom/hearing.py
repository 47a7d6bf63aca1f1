"""Both language models decide about the same people, every variation of each: two audits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leanfair.comparison.whom.paired.contrasts import Outcome
from leanfair.comparison.whom.people import People
from leanfair.fairness.audit.auditing import concluded
from leanfair.fairness.audit.hearing import Heard, heard
from leanfair.fairness.audit.inputs import AuditInput
from leanfair.fairness.audit.result import AuditEvent
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.metrics.groupings import Grouping
from leanfair.fairness.metrics.rates import MINIMUM_ANSWERED
from leanfair.statistics import Bools, Floats

Tell = Callable[[float], None]
"""Called with the share of the answers that are there, 0 to 1."""

FOLDERS = ("parent", "child")
"""The folders of both audits."""


@dataclass(frozen=True, eq=False)
class Both:
    """What both models said about the same rows. `pages`: the reports of both audits, empty where
    nothing was written."""

    parent: AuditInput
    child: AuditInput
    pages: tuple[Path, ...] = ()

    @property
    def sides(self) -> tuple[AuditInput, AuditInput]:
        """The parent's and the child's."""
        return self.parent, self.child

    def outcomes(self) -> dict[str, Outcome]:
        """Each outcome of the rows as they are, under both models: those of `METRICS` that need a
        label are there only where there is one."""
        before, after = (side.decided["none"] for side in self.sides)
        everyone = np.ones_like(before.answered)
        found = {"selection_rate": Outcome(before.favourable, after.favourable, everyone)}
        positive = self.parent.positive
        if positive is not None:
            found |= {
                "true_positive_rate": Outcome(before.favourable, after.favourable, positive),
                "false_positive_rate": Outcome(before.favourable, after.favourable, ~positive),
                "accuracy": Outcome(before.correct, after.correct, everyone),
            }
        return {
            **found,
            "answer_rate": Outcome(before.answered, after.answered, everyone),
            "refusal_rate": Outcome(
                _with(self.parent, "refused"), _with(self.child, "refused"), everyone
            ),
        }

    def captured(self) -> Floats:
        """How much of its probability each model puts on the options, [n, 2]; the rows as they
        are."""
        found = [
            [next(v for v in varied if v.original).answer.captured for varied in side.evidence.sets]
            for side in self.sides
        ]
        values: Floats = np.array(found, float).T
        return values

    def silent(self, grouping: Grouping) -> dict[int, str]:
        """The groups of which a model answered too few rows to say anything, and which."""
        told: dict[int, str] = {}
        for name, side in zip(FOLDERS, self.sides, strict=True):
            answered = side.decided["none"].answered
            for g, size in enumerate(grouping.sizes.tolist()):
                count = int((answered & (grouping.codes == g)).sum())
                if count == 0 or count < min(MINIMUM_ANSWERED, size):
                    told[g] = (
                        f"of {size} rows of group {grouping.names[g]!r} the {name} answered only "
                        f"{count}: too few to say anything"
                    )
        return told


def hear_both(
    judges: tuple[Decider, Decider],
    people: People,
    *,
    seed: int = 0,
    out: Path | None = None,
    tell: Tell | None = None,
) -> Both:
    """Ask both judges about `people`. `out`: a folder in which each audit gets one of its own.
    Raises InputError as an audit does, before anything is asked."""
    found: list[Heard] = []
    pages = []
    for place, (folder, judge) in enumerate(zip(FOLDERS, judges, strict=True)):
        target = None if out is None else out / folder
        one = heard(
            judge,
            people.rows,
            people.question(seed),
            out=target,
            on_event=_share(place, tell),
        )
        found.append(one)
        if target is not None:
            concluded(one, target).report()
            pages.append(target / "report.html")
    return Both(found[0].given, found[1].given, tuple(pages))


def _share(place: int, tell: Tell | None) -> Callable[[AuditEvent], None] | None:
    if tell is None:
        return None
    return lambda event: (
        tell((place + event.done / max(1, event.total)) / 2) if (event.stage == "ask") else None
    )


def _with(side: AuditInput, status: str) -> Bools:
    return np.array([found == status for _, _, found in side.outcomes["none"]], bool)
