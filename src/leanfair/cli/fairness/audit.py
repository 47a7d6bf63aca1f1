"""`leanfair audit`: whether a model decides by a protected attribute, and what each rule does."""

from __future__ import annotations

from typing import Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.fairness.options import (
    AskingOrRecorded,
    Auditing,
    Deciding,
    Judging,
    Keeping,
    modern,
)
from leanfair.cli.fairness.watch_options import NEEDED, Watching, check_alone, is_asked, required
from leanfair.cli.messages import told_plainly

KINDS = (AskingOrRecorded, Deciding, Auditing, Judging, Keeping, Watching)
OF_THE_AUDIT = (
    "label", "cluster", "weight", "count", "pair", "cuts", "reference", "rules", "seed",
)  # fmt: skip
"""Options that are arguments of `audit` as they stand."""


@with_options(*KINDS, asked_for=NEEDED)
def command(quiet: messages.Quiet = False, debug: messages.Debug = False, **given: Any) -> None:
    """Audit decisions by group: those of a language model, with the rules that correct them, or
    those of people or machines that stand in a table (--decisions).

    OUT then holds summary.json, report.html, decisions.csv and metrics.csv, and every answer of the
    model, so that the same command goes on where it was.

    With --watch RECORD: decisions that are served, in windows, against --max-flip-rate or
    --max-difference; nothing else is needed, and nothing is written.
    """
    if is_asked(given):
        with told_plainly(debug):
            check_alone(given)
            asked = values_of(given, *KINDS)

            from leanfair.cli.fairness import judging
            from leanfair.cli.fairness.watch import watch

            judging.end(watch(asked))
        return
    with told_plainly(debug):
        required(given)
    out = given["out"]
    kept = given["store"] or f"{out.rstrip('/')}/answers.jsonl"
    with told_plainly(debug, when_stopped=f"The same command goes on where it was ({kept})."):
        asked = values_of(modern(given), *KINDS)

        from leanfair.cli.fairness import judging
        from leanfair.fairness.audit.auditing import audit
        from leanfair.fairness.audit.result import MAX_UNREAD, WRITTEN
        from leanfair.fairness.ll144.tables import check_ll144

        written = places.of_run(out, WRITTEN)
        places.check_apart([*written, ("store", kept)], places.of_judging(asked))
        judging.check_decisions(asked)
        if "format" in asked:
            check_ll144(list(asked["group"]))
        judging.check_attribute(asked)
        rows = judging.rows_of(asked)
        with judging.progress(quiet) as shown:
            judge = judging.judge_of_audit(asked, kept, shown)
            found = audit(
                judge, rows, group=list(asked["group"]), favourable=asked["favourable"],
                labels=asked.get("positive"), attribute=judging.protected(asked),
                **{name: asked[name] for name in OF_THE_AUDIT if name in asked}, out=out,
            )  # fmt: skip
        found.report()
        if "format" in asked:
            found.ll144()
        judging.print_audit(found.summary)
        typer.echo(f"Report: {out.rstrip('/')}/report.html")
        judging.end(
            found.exceeds(
                asked.get("max_flip_rate"),
                asked.get("max_difference"),
                asked.get("max_unread", MAX_UNREAD),
                asked.get("max_failed", 0),
            )
        )
