"""`leanfair decide`: a table in, the same table with a decision in every row out."""

from __future__ import annotations

from typing import Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.fairness.options import Asking, Deciding, Judging, Keeping, Ruling, modern
from leanfair.cli.messages import told_plainly

KINDS = (Asking, Deciding, Ruling, Judging, Keeping)


@with_options(*KINDS)
def command(quiet: messages.Quiet = False, debug: messages.Debug = False, **given: Any) -> None:
    """Decide each row of a table with a language model, but not by a protected attribute.

    Every row is written once for each value of the attribute, the model answers them all, and the
    rule makes one decision of the answers: whichever value came in, it is the same.
    """
    out = given["out"]
    kept = given["store"] or f"{out}.answers.jsonl"
    again = f"The same command goes on where it was ({kept})."
    with told_plainly(debug, when_stopped=again):
        asked = values_of(modern(given), *KINDS)

        from leanfair.cli.fairness import judging
        from leanfair.data.tables import check_writable, kind_of, write_table
        from leanfair.fairness.audit.result import failures_above
        from leanfair.fairness.tables.columns import told

        kind_of(out, writing=True)
        places.check_apart([("out", out), ("store", kept)], places.of_judging(asked))
        places.check_table(out, judging.ADDED)
        judging.check_attribute(asked)
        rows = judging.rows_of(asked)
        check_writable(out, rows)
        with judging.progress(quiet) as shown:
            judge = judging.open_judge(asked, kept, shown)
            decider = judging.watched(judge, asked)
            decisions = judging.decided(rows, judge, decider)
        called = judging.columns_of(rows, judge.options)
        write_table(out, judging.with_decisions(rows, decisions, called))
        typer.echo(judging.told(decisions, judge.options, judge.forward_passes))
        for remark in filter(None, [told(called)]):
            typer.echo(remark, err=True)
        typer.echo(f"Decisions: {out}")
        failed = sum(decision.status == "failed" for decision in decisions)
        judging.end([failures_above(failed, len(rows), asked.get("max_failed", 0))])
