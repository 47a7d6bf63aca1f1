"""Summaries of real audits of small judges, and small changes of them that still fit the schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import leanfair
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.schema import Interval, Summary
from leanfair.fairness.types import Answer
from tests.support.judges import RACE, Scripted, biased, judge, people, run, said, shy
from tests.support.schemas import misfits

Rows: TypeAlias = list[dict[str, Any]]
BOTH: dict[str, Any] = {"group": ["sex", "race"]}
UNVARIED: dict[str, Any] = {"attribute": None, "rules": None}
AGAINST = biased("black", 0.2)


def twelve() -> Rows:
    """People of twelve groups and one who is alone, in two columns."""
    rows = [{**row, "club": f"Group number {i % 12}"} for i, row in enumerate(people(240))]
    return [*rows, *({**rows[0], "club": "Tiny"} for _ in range(2))]


def odd() -> Rows:
    """People of whom some are of unknown groups, and one is alone in an intersection."""
    rows = people(60)
    rows[0]["race"] = rows[1]["race"] = "?"
    for row in rows[3:]:
        if (row["race"], row["sex"]) == ("white", "female"):
            row["sex"] = "male"
    rows[3] |= {"race": "white", "sex": "female"}
    return rows


def hopeless() -> Rows:
    """People of whom, in one group, nobody merits to be hired."""
    return [{**row, "hired": "no"} if row["race"] == "black" else row for row in people()]


def failing(item: Any) -> Answer:
    """Fails for a few."""
    return Answer("failed", captured=0.0) if item["score"] < 0.05 else said("yes")


def silent(item: Any) -> Answer:
    """Never decides."""
    return Answer("refused", captured=0.0, text="I cannot help with that.")


def shy_of_black(item: Any) -> Answer:
    """Refuses all black applicants, and most others."""
    refused = item["race"] == "black" or item["score"] < 0.7
    told = "Based on the given attributes, it is difficult to predict this."
    return Answer("refused", captured=0.0, text=told) if refused else said("yes")


def decided() -> Rows:
    """Decisions that exist, each about two who differ in race alone."""
    return [
        {
            "pair": i, "race": race, "d": "yes" if i % 10 < (6 if race == "white" else 4) else "no",
            "p": (i * 7 + 13 * (race == "white")) % 50,
        }
        for i in range(50)
        for race in ("white", "black")
    ]  # fmt: skip


RECORDED: dict[str, Any] = {"label": None, **UNVARIED}
AUDITS: dict[str, Callable[[], Any]] = {
    "all rules": lambda: run(judge(AGAINST, name="toy", revision="9f1c2a"), people(), rules=None),
    "no attribute": lambda: run(judge(AGAINST), people(), **UNVARIED),
    "mitigated": lambda: run(mitigate(judge(AGAINST), RACE, "mean"), people()),
    "abstaining": lambda: run(mitigate(judge(AGAINST), "race", "abstain"), people()),
    "mitigated twice": lambda: run(
        mitigate(mitigate(judge(AGAINST), "race"), leanfair.attribute("gender", field="sex")),
        people(40),
    ),
    "batch": lambda: run(judge(AGAINST, calibration="batch"), people()),
    "contextual": lambda: run(
        judge(biased("black", 0.2, blank=0.7), calibration="contextual"), people()
    ),
    "refusals": lambda: run(Scripted(shy), people()),
    "failures": lambda: run(Scripted(failing), people(200)),
    "silent": lambda: run(Scripted(silent), people()),
    "no placebo": lambda: run(judge(AGAINST), people(), placebo=None),
    "many values": lambda: run(judge(biased("black", 0.3)), people(), attribute="race"),
    "twelve groups": lambda: run(judge(AGAINST), twelve(), group="club"),
    "another column": lambda: run(judge(AGAINST), people(), group="sex"),
    "intersections": lambda: run(judge(AGAINST), people(), **BOTH),
    "odd groups": lambda: run(judge(AGAINST), odd(), **BOTH),
    "no positives": lambda: run(judge(AGAINST), hopeless()),
    "clusters": lambda: run(judge(AGAINST), people(), cluster="person"),
    "fair": lambda: run(judge(biased()), people()),
    "recorded": lambda: run(leanfair.Recorded("d", probability="p"), decided(), **RECORDED),
    "pairs": lambda: run(leanfair.Recorded("d"), decided(), pair="pair", **RECORDED),
    "shy of one group": lambda: run(Scripted(shy_of_black), people(60)),
}
"""Audits of small judges, by what they are of."""


@cache
def _written(name: str) -> str:
    return json.dumps(AUDITS[name]().summary)


def audited(name: str) -> Summary:
    """The summary of one of AUDITS, as it is read back from summary.json."""
    summary: Summary = json.loads(_written(name))
    return summary


def interval(value: float, half: float = 0.05) -> Interval:
    """An estimate, give or take `half`."""
    return {"value": value, "low": value - half, "high": value + half}


def derived(name: str, change: Callable[[Any], object]) -> Summary:
    """The summary of one of AUDITS after `change`, which has to leave it a summary."""
    summary = copy.deepcopy(audited(name))
    change(summary)
    assert not misfits(summary, Summary)
    return summary
