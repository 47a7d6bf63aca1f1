"""audit: what an honest statistician would report of a judge's decisions.

Each row's variations, its form without the attribute and its placebo are asked once; all rules are
computed from the same answers, so that before and after are paired. What is measured and how stands
in `metrics` (rates and denominators), `gaps` (intervals of gaps between groups), `flips` (flip
rates, placebo, exact tests) and `decompose` (the part of a gap that the attribute makes).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, cast

from sklearn.base import clone

from leanfair.data.tables import check_columns
from leanfair.errors import InputError
from leanfair.fairness import schema
from leanfair.fairness.audit.evidence import gather, paired
from leanfair.fairness.audit.exports import decision_rows
from leanfair.fairness.audit.inputs import AuditInput
from leanfair.fairness.audit.result import WRITTEN, Audit, AuditEvent
from leanfair.fairness.audit.summary import summary_of
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.recorded import Recorded
from leanfair.fairness.lexicon.protected import Attributes, attributes_of, with_old_settings
from leanfair.fairness.metrics.coverage import known_values
from leanfair.fairness.mitigate import MitigatedJudge
from leanfair.fairness.rules import rule_named
from leanfair.fairness.tables.cuts import cuts_of
from leanfair.fairness.tables.groups import group_named
from leanfair.fairness.tables.labels import Labels
from leanfair.fairness.tables.table import Columns, rows_of, table_of
from leanfair.fairness.variations.placebo import AUTO, Placebo
from leanfair.fairness.variations.varier import Varier
from leanfair.files import locked
from leanfair.files.own_folder import check_own, claim
from leanfair.statistics import Resampling

__all__ = ["RULES", "Audit", "AuditEvent", "audit"]

P = ParamSpec("P")

RULES = ("none", "mean", "vote", "abstain", "blind")


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
    started = time.monotonic()
    _check_settings(bootstrap, confidence, seed)
    name, rows = rows_of(frame)
    if isinstance(judge, Recorded):
        check_columns(rows, judge.columns, "The table")
        judge = judge.among(rows, favourable)
    base, varier, own = _parts(judge, attribute, values, field, protect)
    _check_varied(base, varier, pair)
    asked = _rules(rules, own, varier is not None)
    _check_placebo(placebo, varier)
    slots = base.fields
    groups = (group,) if isinstance(group, str) else tuple(dict.fromkeys(group))
    if not groups:
        raise InputError('Name a column of groups, as in group="race".')
    recorded = isinstance(base, Recorded)
    columns = Columns(
        groups, label, cluster, weight, count, cuts_of(cuts), pair,
        base.probability if recorded else None, tuple(base.columns) if recorded else (),
    )  # fmt: skip
    table = table_of(
        name, rows, columns,
        favourable=favourable, options=base.option_names, labels=labels, slots=slots,
    )  # fmt: skip
    reference = None if reference is None else group_named(table.groupings, reference)
    base.check(table.items)
    known = None if varier is None else known_values(table.groupings, varier.attributes)
    if out is not None:
        claim(Path(out), "audit", WRITTEN)
    asking, before = time.monotonic(), base.forward_passes
    if not judge.fitted:  # of a copy: an audit changes nothing that it is given
        judge = clone(judge).fit(table.items)
        base = judge.judge if isinstance(judge, MitigatedJudge) else judge
    evidence = gather(
        base,
        table.items,
        varier,
        blind="blind" in asked,
        placebo=None if varier is None else placebo,
        slots=slots,
        seed=seed,
        known=known,
        progress=None if on_event is None else lambda d, n: on_event(AuditEvent("ask", d, n)),
        numbers=table.numbers,
    )
    if table.pairs is not None:
        evidence = paired(evidence, table.pairs)
    asking_seconds = time.monotonic() - asking
    if on_event is not None:
        on_event(AuditEvent("count", 0, len(table)))
    lexicons: dict[str, Any] = {} if varier is None else varier.describe()
    given = AuditInput(
        table=table,
        judge=cast("schema.Judge", {**base.describe(), **lexicons}),
        evidence=evidence,
        rules=asked,
        rule=own,
        favourable=favourable,
        attributes=list(groups) if table.pairs else lexicons.get("attribute"),
        lexicons=lexicons.get("lexicons", {}),
        reference=reference,
        resampling=Resampling(
            table.clusters, seed, bootstrap, confidence, table.weights.values, table.weights.counted
        ),
    )
    summary = summary_of(
        given,
        started=started,
        asking_seconds=asking_seconds,
        forward_passes_now=base.forward_passes - before,
    )
    found = Audit(summary, tuple(decision_rows(given)), None if out is None else Path(out))
    if found.path is not None:
        found.write()
    return found


# ---- what is asked for --------------------------------------------------------------------------


def _check_settings(bootstrap: int, confidence: float, seed: int) -> None:
    if not isinstance(bootstrap, int) or bootstrap < 100:
        raise InputError(f"bootstrap is a number of resamples, 100 or more, not {bootstrap!r}.")
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence is a share from 0.5 to below 1, not {confidence!r}.")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is a whole number, 0 or more, not {seed!r}.")


def _parts(
    judge: Decider,
    attribute: Attributes | None,
    values: Sequence[str] | None,
    field: str | Sequence[str] | None,
    protect: Sequence[str],
) -> tuple[Decider, Varier | None, str]:
    """The judge whose answers count, what varies its items, and the rule it is under."""
    old = values is not None or field is not None or bool(protect)
    if isinstance(judge, MitigatedJudge):
        if old or not _is_same(attribute, judge.attribute):
            raise InputError(
                f"This judge is under the rule {judge.rule!r} for {judge.varier.name} already: "
                f"leave attribute, values, field and protect out, or audit the plain judge."
            )
        return judge.judge, judge.varier, rule_named(judge.rule)
    if attribute is None:
        if old:
            raise InputError(
                "values, field and protect need an attribute: name it, as in "
                'attribute=leanfair.attribute("race", values=["Black", "White"]).'
            )
        return judge, None, "none"
    given = with_old_settings(attribute, values, field, protect, stacklevel=5)
    return judge, Varier(given, judge.token_count, judge.fields), "none"


def _check_varied(base: Decider, varier: Varier | None, pair: str | None) -> None:
    if varier is not None and not base.varies:
        raise InputError(
            "Decisions that exist cannot be asked about variations: leave the attribute out; where "
            "rows differ in it alone, name the column of such pairs with pair."
        )
    if varier is not None and pair is not None:
        raise InputError(
            "pair compares rows of the table, and attribute their variations: give one of them."
        )


def _is_same(given: Attributes | None, own: Attributes) -> bool:
    """Whether `given` is nothing, or what the judge is mitigated for."""
    return given is None or attributes_of(given) == attributes_of(own)


def _check_placebo(placebo: Placebo, varier: Varier | None) -> None:
    if varier is None and placebo not in (AUTO, None):
        raise InputError(
            f"The placebo {placebo!r} needs an attribute whose variations it stands beside: name "
            f"one, or leave the placebo out."
        )


def _rules(rules: Sequence[str] | None, own: str, varied: bool) -> tuple[str, ...]:
    """ "none" first, then the others, once each."""
    if rules is None:
        rules = (own,) if own != "none" else RULES if varied else ()
    elif isinstance(rules, str):
        rules = (rules,)
    asked = tuple(dict.fromkeys(("none", *map(rule_named, rules), own)))
    if len(asked) > 1 and not varied:
        raise InputError(f"The rule {asked[1]!r} needs an attribute: what must not count?")
    return asked
