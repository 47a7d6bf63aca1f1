"""`leanfair decide --engine ray`: many tables in, as many out, on as many machines as Ray has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from leanfair.cli.fairness import judging
from leanfair.errors import InputError

_SHOWN = 5
"""Partitions that failed which are told, each by a sentence."""


def decide_partitions(asked: Mapping[str, Any], quiet: bool) -> None:
    """Decide about each table that the pattern `table` names; end with exit code 3 where one could
    not be decided about."""
    from leanfair.fairness.audit.result import failures_above
    from leanfair.fairness.deciding import cluster

    if str(asked["out"]).endswith((".csv", ".jsonl", ".parquet")):
        raise InputError(
            f"With --engine ray --out names a folder, and {asked['out']} is called like a table."
        )
    judge = judging.open_judge(asked, None, None)
    decider = judging.watched(judge, asked)
    with judging.progress_of("partitions", quiet) as shown:
        found = cluster.decide_partitions(
            asked["table"],
            asked["out"],
            decider,
            workers=asked.get("workers"),
            gpus=1.0 if asked.get("device") == "cuda" else 0.0,
            store=asked.get("store"),
            encoding=asked.get("encoding"),
            shown=shown,
        )
    typer.echo(found.tally.told(judge.option_names))
    again = f", {found.again:,} of them before" if found.again else ""
    typer.echo(f"{found.partitions - len(found.failed):,} partitions are decided about{again}.")
    typer.echo(f"Decisions: {asked['out']}")
    for source, error in list(found.failed.items())[:_SHOWN]:
        judging.remark(f"{source}: {error}")
    limit = failures_above(found.tally.failed, max(1, found.tally.rows), asked.get("max_failed", 0))
    judging.end([_undecided(len(found.failed), found.partitions), limit])


def _undecided(failed: int, partitions: int) -> str | None:
    if not failed:
        return None
    return (
        f"{failed:,} of {partitions:,} partitions were not decided about: put right what is told "
        f"above, and run again; the others are kept."
    )
