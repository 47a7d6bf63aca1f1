"""`leanfair decide`: a table in, the same table with a decision in every row out."""

from __future__ import annotations

from typing import Annotated

import typer

from leanfair.cli import messages
from leanfair.cli.fairness import options as given
from leanfair.cli.messages import told_plainly

Out = Annotated[
    str, typer.Option("--out", help="The table to write, with the decisions.", show_default=False)
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--rule",
        help="mean (default), vote, abstain, blind or none.",
        show_default=False,
    ),
]


def command(
    context: typer.Context,
    model: given.Model,
    prompt: given.Prompt,
    choices: given.Options,
    table: given.Table,
    out: Out,
    attribute: given.Attribute = None,
    rule: Rule = None,
    values: given.Values = None,
    field: given.Field = None,
    protect: given.Protect = None,
    calibration: given.Calibration = None,
    system: given.System = None,
    model_name: given.ModelName = None,
    revision: given.Revision = None,
    store: given.Store = None,
    batch_size: given.BatchSize = None,
    min_captured: given.MinCaptured = None,
    chat: given.Chat = None,
    device: given.Device = "auto",
    quiet: messages.Quiet = False,
    debug: messages.Debug = False,
) -> None:
    """Decide each row of a table with a language model, but not by a protected attribute.

    Every row is written once for each value of the attribute, the model answers them all, and the
    rule makes one decision of the answers: whichever value came in, it is the same.
    """
    kept = store or f"{out}.answers.jsonl"
    again = f"The same command goes on where it was ({kept})."
    with told_plainly(debug, when_stopped=again):
        from leanfair.cli.fairness import judging
        from leanfair.data.tables import kind_of, read_table, write_table

        kind_of(out)
        rows = read_table(table)
        with judging.progress(quiet) as shown:
            judge = judging.open_judge(context.params, kept, shown)
            decider = judging.watched(judge, attribute, rule, values, field, protect or [])
            items = judging.items_of(rows, judge)
            if not decider.fitted:
                decider.fit(items)
            decisions = decider.decide(items)
        write_table(out, judging.with_decisions(rows, decisions, judge.options))
        typer.echo(judging.told(decisions, judge.options, judge.forward_passes))
        typer.echo(f"Decisions: {out}")
