"""`leanfair prune`: a trained network and its data in, a smaller network and the evidence out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.messages import check_texts, is_main_process, told_plainly
from leanfair.cli.pruning import options
from leanfair.errors import InputError, OptionError
from leanfair.pruning.settings import Settings, renamed
from leanfair.pruning.training.recipe import Recipe

WITHOUT = ("recipe",)
"""Fields that are no options: the fields of the recipe are options themselves."""


@with_options(
    Settings,
    Recipe,
    options.Place,
    options.DataOptions,
    options.Machine,
    options.Memory,
    without=WITHOUT,
)
def command(
    model: options.Model,
    data: options.Data,
    resume: options.Resume = False,
    plan: options.Plan = False,
    json: options.Json = False,
    repair: options.Repair = None,
    quiet: messages.Quiet = False,
    debug: messages.Debug = False,
    **given: Any,
) -> None:
    """Make a trained network smaller and keep what it knows.

    In each round the least important layers compete with the least important neurons that cost as
    much; the network whose representation stays more similar (CKA) is the next. OUT then holds
    summary.json, report.html, and the pruned network for leanfair.load and leanfair export; that of
    a language model also opens with transformers' from_pretrained.
    """
    out = given["out"]
    resumable = f"The run in {out} goes on if you add --resume." if out and not plan else ""
    with told_plainly(debug, when_stopped=resumable):
        check_texts(MODEL=model, data=data, out=out)
        if out is None and not plan:
            raise InputError("Give --out, a directory for the run; only --plan goes without.")
        if json and not plan:
            raise InputError("--json is for --plan: a run writes its summary.json.")
        if resume and plan:
            raise OptionError(
                "{resume} is for a run, but {plan} only looks ahead: leave one out.",
                "resume",
                "plan",
            )
        read = [("MODEL", model), ("data", data), ("tokenizer", given.get("tokenizer"))]
        places.check_apart([("out", out)], read)
        settings = _renamed(given, repair)
        settings = values_of(settings, Settings, Recipe)
        how = options.DataOptions(**values_of(given, options.DataOptions))
        machine = options.Machine(**values_of(given, options.Machine))

        from leanfair.cli.pruning import running
        from leanfair.cli.pruning.asked import keep_asked

        running.check(settings, machine)
        low = given.get("low_memory")
        both = running.open_both(model, data, how, settings.get("seed", 0), machine.device, low)
        if plan:
            running.show_plan(both.network, both.splits, out, settings, json)
        else:
            running.prune_and_show(
                both.network,
                both.splits,
                str(out),
                resume,
                settings,
                quiet,
                both.tokenizer,
                both.image_processor,
            )
            if is_main_process():
                keep_asked(Path(str(out)), data, how, settings.get("seed", 0))


def _renamed(given: Mapping[str, Any], repair: bool | None) -> dict[str, Any]:
    """Settings by the names of today; an older name is told on stderr."""
    asked = {name: value for name, value in given.items() if value is not None}
    if repair is not None:
        asked["repair"] = repair
    now, old = renamed(asked)
    for sentence in old if is_main_process() else ():
        typer.echo(f"Note: {sentence}", err=True)
    return now
