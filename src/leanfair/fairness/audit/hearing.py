"""What an audit asks, and all that it hears: every answer, before anything is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sklearn.base import clone

from leanfair.data.tables import check_columns
from leanfair.errors import InputError
from leanfair.fairness import schema
from leanfair.fairness.audit.evidence import gather, paired
from leanfair.fairness.audit.inputs import AuditInput
from leanfair.fairness.audit.result import WRITTEN, AuditEvent
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.recorded import Recorded
from leanfair.fairness.lexicon.protected import Attributes, attributes_of, with_old_settings
from leanfair.fairness.metrics.coverage import known_values
from leanfair.fairness.mitigate import MitigatedJudge
from leanfair.fairness.rules import rule_named
from leanfair.fairness.tables.cuts import cuts_of
from leanfair.fairness.tables.groups import group_named
from leanfair.fairness.tables.labels import Labels
from leanfair.fairness.tables.table import Columns, Table, rows_of, table_of
from leanfair.fairness.types import Record
from leanfair.fairness.variations.placebo import AUTO, Placebo
from leanfair.fairness.variations.varier import Varier
from leanfair.files.own_folder import claim
from leanfair.statistics import Resampling

RULES = ("none", "mean", "vote", "abstain", "blind")


@dataclass(frozen=True)
class Question:
    """What an audit asks, in the arguments of `audit`."""

    group: str | Sequence[str]
    favourable: str
    label: str | None = None
    attribute: Attributes | None = None
    rules: Sequence[str] | None = None
    placebo: Placebo = AUTO
    labels: Labels = None
    cluster: str | None = None
    weight: str | None = None
    count: str | None = None
    cuts: Mapping[str, Sequence[float]] | str | Sequence[str] | None = None
    pair: str | None = None
    reference: str | None = None
    values: Sequence[str] | None = None
    field: str | Sequence[str] | None = None
    protect: Sequence[str] = ()
    seed: int = 0
    bootstrap: int = 2000
    confidence: float = 0.95


@dataclass(frozen=True, eq=False)
class Heard:
    """All answers of an audit, before anything is counted. `started`: on the clock of
    `time.monotonic`; `forward_passes`: how many prompts were really put to the model."""

    given: AuditInput
    started: float
    asking_seconds: float
    forward_passes: int


@dataclass(frozen=True, eq=False)
class Ready:
    """What is asked, checked: the `judge` and the one whose answers count (`base`), what varies its
    items, the rule that the judge is under (`own`), all `rules`, and the group that others are
    compared with."""

    judge: Decider
    base: Decider
    varier: Varier | None
    own: str
    rules: tuple[str, ...]
    table: Table
    reference: str | None


def checked(judge: Decider, frame: Any, asked: Question) -> Ready:
    """What is asked of `judge`, before anything is paid for. Raises InputError as `audit` does."""
    _check_settings(asked.bootstrap, asked.confidence, asked.seed)
    name, rows = rows_of(frame)
    if isinstance(judge, Recorded):
        check_columns(rows, judge.columns, "The table")
        judge = judge.among(rows, asked.favourable)
    base, varier, own = _parts(judge, asked)
    _check_varied(base, varier, asked.pair)
    rules = _rules(asked.rules, own, varier is not None)
    _check_placebo(asked.placebo, varier)
    table = _table(base, name, rows, asked)
    named = asked.reference
    reference = None if named is None else group_named(table.groupings, named)
    base.check(table.items)
    return Ready(judge, base, varier, own, rules, table, reference)


def heard(
    judge: Decider,
    frame: Any,
    asked: Question,
    *,
    out: str | Path | None = None,
    on_event: Callable[[AuditEvent], None] | None = None,
) -> Heard:
    """Check what is asked and ask `judge` all of it; `out` is claimed before anything is paid for.
    Raises InputError as `audit` does."""
    started = time.monotonic()
    ready = checked(judge, frame, asked)
    judge, base, varier, table = ready.judge, ready.base, ready.varier, ready.table
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
        blind="blind" in ready.rules,
        placebo=None if varier is None else asked.placebo,
        slots=base.fields,
        seed=asked.seed,
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
        rules=ready.rules,
        rule=ready.own,
        favourable=asked.favourable,
        attributes=list(table.columns.groups) if table.pairs else lexicons.get("attribute"),
        lexicons=lexicons.get("lexicons", {}),
        reference=ready.reference,
        resampling=Resampling(
            table.clusters,
            asked.seed,
            asked.bootstrap,
            asked.confidence,
            table.weights.values,
            table.weights.counted,
        ),
    )
    return Heard(given, started, asking_seconds, base.forward_passes - before)


# ---- what is asked for --------------------------------------------------------------------------


def _check_settings(bootstrap: int, confidence: float, seed: int) -> None:
    if not isinstance(bootstrap, int) or bootstrap < 100:
        raise InputError(f"bootstrap is a number of resamples, 100 or more, not {bootstrap!r}.")
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence is a share from 0.5 to below 1, not {confidence!r}.")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is a whole number, 0 or more, not {seed!r}.")


def _table(base: Decider, name: str, rows: list[Record], asked: Question) -> Table:
    """The rows as `base` is to decide about them."""
    group = asked.group
    groups = (group,) if isinstance(group, str) else tuple(dict.fromkeys(group))
    if not groups:
        raise InputError('Name a column of groups, as in group="race".')
    recorded = isinstance(base, Recorded)
    columns = Columns(
        groups, asked.label, asked.cluster, asked.weight, asked.count, cuts_of(asked.cuts),
        asked.pair, base.probability if recorded else None,
        tuple(base.columns) if recorded else (),
    )  # fmt: skip
    return table_of(
        name, rows, columns,
        favourable=asked.favourable, options=base.option_names, labels=asked.labels,
        slots=base.fields,
    )  # fmt: skip


def _parts(judge: Decider, asked: Question) -> tuple[Decider, Varier | None, str]:
    """The judge whose answers count, what varies its items, and the rule it is under."""
    attribute, values, field, protect = asked.attribute, asked.values, asked.field, asked.protect
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
    given = with_old_settings(attribute, values, field, protect, stacklevel=7)
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
