"""audit: what an honest statistician would report of a judge's decisions.

Each row's variations, its form without the attribute and its placebo are asked once; all rules are
computed from the same answers, so that before and after are paired. What is measured and how stands
in `metrics` (rates and denominators), `gaps` (intervals of gaps between groups), `flips` (flip
rates, placebo, exact tests) and `decompose` (the part of a gap that the attribute makes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from leanfair.fairness.audit.exports import decision_rows
from leanfair.fairness.audit.hearing import RULES, Heard, Question, heard
from leanfair.fairness.audit.result import WRITTEN, Audit, AuditEvent
from leanfair.fairness.audit.summary import summary_of
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.lexicon.protected import Attributes
from leanfair.fairness.tables.labels import Labels
from leanfair.fairness.variations.placebo import AUTO, Placebo
from leanfair.files import locked
from leanfair.files.own_folder import check_own

__all__ = ["RULES", "Audit", "AuditEvent", "audit"]

P = ParamSpec("P")


def _locking_out(function: Callable[P, Audit]) -> Callable[P, Audit]:
    """`function`, which holds the lock of its directory `out` while it runs."""

    @wraps(function)
    def holding(*args: P.args, **kwargs: P.kwargs) -> Audit:
        out: Any = kwargs.get("out")
        if out is not None:
            check_own(Path(out), "audit", WRITTEN)
        remedy = "wait until it ends, or choose another directory"
        lock = (
            nullcontext()
            if out is None
            else locked(Path(out) / ".lock", f"The run directory {out}", remedy)
        )
        with lock:
            return function(*args, **kwargs)

    return holding


@_locking_out
def audit(
    judge: Decider,
    frame: Any,
    *,
    group: str | Sequence[str],
    favourable: str,
    label: str | None = None,
    attribute: Attributes | None = None,
    rules: Sequence[str] | None = None,
    placebo: Placebo = AUTO,
    labels: Labels = None,
    cluster: str | None = None,
    weight: str | None = None,
    count: str | None = None,
    cuts: Mapping[str, Sequence[float]] | str | Sequence[str] | None = None,
    pair: str | None = None,
    reference: str | None = None,
    values: Sequence[str] | None = None,
    field: str | Sequence[str] | None = None,
    protect: Sequence[str] = (),
    seed: int = 0,
    bootstrap: int = 2000,
    confidence: float = 0.95,
    out: str | Path | None = None,
    on_event: Callable[[AuditEvent], None] | None = None,
) -> Audit:
    """Audit `judge` on the rows of `frame`: a DataFrame, a list of records or the path of a table.

    `group`: the column of groups, or several for their intersections too; `cuts`: the cut points of
    those that hold numbers, such as {"age": [30, 45, 60]}. `favourable`: the option that people
    want. `label`: the column that says what is right, as one of the judge's options, where that is
    known: without it, nothing is said of accuracy, equal opportunity and odds. `labels` says what
    other values mean ({">50K": "yes", "<=50K": "no"}, or only ">50K", which then means
    `favourable`).

    `cluster`: the column that tells which rows are of one person; `weight`: that of survey weights;
    `count`: that of how many people a row stands for; `pair`: that which tells rows that differ in
    the attribute (the groups) alone, so that two of one value show a flip; `reference`: the group
    that others are compared with (the largest).

    Decisions that exist are audited as `leanfair.Recorded("decision")`, without a model.

    A judge that `mitigate` made is audited before and after its rule. A plain judge is audited as
    it stands and, where an `attribute` is named (as `vary` takes it), under all `rules`; `values`,
    `field` and `protect` are old spellings of what belongs to it. What has still to be estimated is
    estimated from the table, in a copy: `judge` is not changed. `placebo`: see
    `leanfair.fairness.variations.placebo`; None for none.

    `bootstrap`: resamples; `seed` determines them and the placebo. `out`: a directory for
    summary.json, decisions.csv and metrics.csv. Raises InputError with one sentence for whatever is
    not as it has to be.
    """
    asked = Question(
        group, favourable, label, attribute, rules, placebo, labels, cluster, weight, count, cuts,
        pair, reference, values, field, tuple(protect), seed, bootstrap, confidence,
    )  # fmt: skip
    return concluded(heard(judge, frame, asked, out=out, on_event=on_event), out)


def concluded(found: Heard, out: str | Path | None = None) -> Audit:
    """The audit of what was answered, written into `out` where that is a directory."""
    summary = summary_of(
        found.given,
        started=found.started,
        asking_seconds=found.asking_seconds,
        forward_passes_now=found.forward_passes,
    )
    rows = tuple(decision_rows(found.given))
    made = Audit(summary, rows, None if out is None else Path(out))
    if made.path is not None:
        made.write()
    return made
