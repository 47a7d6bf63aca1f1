"""`leanfair audit`: whether a model decides by a protected attribute, and what each rule does."""

from __future__ import annotations

from typing import Annotated

import typer

from leanfair.cli import messages
from leanfair.cli.fairness import options as given
from leanfair.cli.messages import told_plainly
from leanfair.errors import InputError

EXCEEDED = 3
"""The exit code where a limit that was set is exceeded."""

Out = Annotated[str, typer.Option("--out", help="The directory of the audit.", show_default=False)]
Label = Annotated[
    str, typer.Option("--label", help="The column that says what is right.", show_default=False)
]
Group = Annotated[
    str,
    typer.Option("--group", help="The column of groups; several with commas.", show_default=False),
]
Favourable = Annotated[
    str, typer.Option("--favourable", help="The option that people want.", show_default=False)
]
Positive = Annotated[
    str | None,
    typer.Option(
        "--positive",
        help="The value of the label column that means the favourable option, where it is not "
        "written as an option.",
        show_default=False,
    ),
]
Rules = Annotated[
    str | None,
    typer.Option("--rules", help="Rules to compare, with commas (all).", show_default=False),
]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="The column that tells people apart.", show_default=False),
]
MaxFlipRate = Annotated[
    float | None,
    typer.Option(
        "--max-flip-rate", help="End with exit code 3 above this flip rate.", show_default=False
    ),
]
MaxDifference = Annotated[
    float | None,
    typer.Option(
        "--max-difference",
        help="End with exit code 3 above this demographic parity difference.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Decides all chance.")]


def command(
    context: typer.Context,
    model: given.Model,
    prompt: given.Prompt,
    choices: given.Options,
    table: given.Table,
    label: Label,
    group: Group,
    favourable: Favourable,
    out: Out,
    positive: Positive = None,
    attribute: given.Attribute = None,
    rules: Rules = None,
    values: given.Values = None,
    field: given.Field = None,
    protect: given.Protect = None,
    cluster: Cluster = None,
    max_flip_rate: MaxFlipRate = None,
    max_difference: MaxDifference = None,
    calibration: given.Calibration = None,
    system: given.System = None,
    model_name: given.ModelName = None,
    revision: given.Revision = None,
    store: given.Store = None,
    batch_size: given.BatchSize = None,
    min_captured: given.MinCaptured = None,
    chat: given.Chat = None,
    device: given.Device = "auto",
    seed: Seed = 0,
    quiet: messages.Quiet = False,
    debug: messages.Debug = False,
) -> None:
    """Audit the decisions of a language model by group, and compare the rules that correct them.

    OUT then holds summary.json, report.html, decisions.csv and metrics.csv, and every answer of the
    model, so that the same command goes on where it was.
    """
    kept = store or f"{out.rstrip('/')}/answers.jsonl"
    with told_plainly(debug, when_stopped=f"The same command goes on where it was ({kept})."):
        _check_limit("--max-flip-rate", max_flip_rate)
        _check_limit("--max-difference", max_difference)

        from leanfair.cli.fairness import judging
        from leanfair.data.tables import read_table
        from leanfair.fairness.audit.auditing import audit

        rows = read_table(table)
        with judging.progress(quiet) as shown:
            judge = judging.open_judge(context.params, kept, shown)
            if attribute is None and (values or field or protect):
                raise InputError("--values, --field and --protect need --attribute.")
            found = audit(
                judge, rows, label=label, group=judging.listed(group, "--group") or [],
                favourable=favourable, labels=positive, cluster=cluster,
                attribute=None
                if attribute is None
                else judging.protected(attribute, values, field, protect or []),
                rules=judging.listed(rules, "--rules"), seed=seed, out=out,
            )  # fmt: skip
        found.report()
        judging.print_audit(found.summary)
        typer.echo(f"Report: {out.rstrip('/')}/report.html")
        exceeded = found.exceeds(max_flip_rate, max_difference)
        for sentence in exceeded:
            typer.echo(sentence, err=True)
        if exceeded:
            raise typer.Exit(EXCEEDED)


def _check_limit(name: str, limit: float | None) -> None:
    if limit is not None and not 0.0 <= limit <= 1.0:
        raise InputError(f"{name} is a share from 0 to 1, but is {limit}.")
