"""`leanfair decide`: a table in, the same table with a decision in every row out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.fairness.options import Asking, Deciding, Judging, Keeping, Ruling, modern
from leanfair.cli.messages import told_plainly
from leanfair.errors import OptionError

KINDS = (Asking, Deciding, Ruling, Judging, Keeping)


@with_options(*KINDS)
def command(quiet: messages.Quiet = False, debug: messages.Debug = False, **given: Any) -> None:
    """Decide each row of a table with a language model, but not by a protected attribute.

    Every row is written once for each value of the attribute, the model answers them all, and the
    rule makes one decision of the answers: whichever value came in, it is the same.
    """
    out = given["out"]
    on_ray = given.get("engine") == "ray"
    kept = given["store"] or (out if on_ray else f"{out}.answers.jsonl")
    again = f"The same command goes on where it was ({kept})."
    with told_plainly(debug, when_stopped=again):
        asked = values_of(modern(given), *KINDS)

        from leanfair.cli.fairness import judging
        from leanfair.cli.fairness.partitions import decide_partitions

        judging.check_attribute(asked)
        if asked.get("engine") == "ray":
            return decide_partitions(asked, quiet)
        if "workers" in asked:
            raise OptionError("{workers} goes with {engine} ray.", "workers", "engine")
        return _decide(asked, out, kept, quiet)


def _decide(asked: Mapping[str, Any], out: str, kept: str, quiet: bool) -> None:
    from leanfair.cli.fairness import judging
    from leanfair.data.streams.naming import kind_of
    from leanfair.data.streams.reading import ROWS
    from leanfair.fairness.audit.result import failures_above
    from leanfair.fairness.deciding.flow import decide_table
    from leanfair.fairness.deciding.survey import Source, survey_of
    from leanfair.fairness.deciding.written import ADDED, columns_of
    from leanfair.fairness.tables.columns import told

    kind_of(out, writing=True)
    places.check_apart([("out", out), ("store", kept)], places.of_judging(asked))
    places.check_table(out, ADDED)
    judge = judging.open_judge(asked, kept, None)
    decider, slots = judging.watched(judge, asked), judge.template.slots
    source = Source(Path(asked["table"]), asked.get("encoding"))
    found = survey_of(source, slots, decider, out, judging.remark)
    if found.told:
        judging.remark(found.told)
    with judging.progress_of("rows", quiet) as shown:
        steps = judging.Steps(found.rows, ROWS, shown)
        judge.progress = steps.prompts
        tally = decide_table(source, out, decider, found, slots, steps.decided)
    typer.echo(tally.told(judge.option_names))
    for remark in filter(None, [told(columns_of(found.names, judge.option_names))]):
        judging.remark(remark)
    typer.echo(f"Decisions: {out}")
    judging.end([failures_above(tally.failed, tally.rows, asked.get("max_failed", 0))])
