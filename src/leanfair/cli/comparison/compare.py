"""`leanfair compare`: two models that answer the same task in, one page about both out."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.comparison import options
from leanfair.cli.comparison.about_people import AboutPeople, people_asked
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.messages import check_texts, told_plainly
from leanfair.cli.pruning.options import DataOptions, Machine
from leanfair.errors import InputError

UNUSED = ("augment",)
"""Options of the data that mean nothing where nothing is trained. Those held out for calibration
do neither, but an option about people has the same name."""

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Test data, as for leanfair prune: images or text. Of data without a test part, the "
        "part that leanfair prune holds out with the same --seed. By default that of the run, "
        "where BASE is one.",
        show_default=False,
    ),
]


@with_options(options.Comparing, options.Robust, DataOptions, Machine, AboutPeople, without=UNUSED)
def command(
    base: options.Base,
    pruned: options.Pruned = None,
    data: Data = None,
    quiet: messages.Quiet = False,
    debug: messages.Debug = False,
    **given: Any,
) -> None:
    """Put a model beside the one that it was made of: what was lost, and what was won.

    OUT then holds summary.json and report.html.
    """
    out = given["out"]
    with told_plainly(
        debug, when_stopped="The same command compares anew; answers about people are kept."
    ):
        check_texts(BASE=base, PRUNED=pruned, data=data, out=out)
        if out is None and pruned is not None:
            raise InputError("Give --out, a directory for the comparison.")
        read = [("BASE", base), ("PRUNED", pruned), ("data", data), ("people", given["people"])]
        places.check_apart([("out", out)], [*read, ("tokenizer", given.get("tokenizer"))])
        about = values_of(given, AboutPeople)
        how = DataOptions(**values_of({**given, "calibration": None}, DataOptions))
        machine = Machine(**values_of(given, Machine))
        asked = values_of(given, options.Comparing)
        robust = values_of(given, options.Robust)

        from leanfair.cli.comparison import running

        people = people_asked(about, how.label)
        if people is not None:
            how = replace(how, label=None)
            asked["people"] = people
        elif "group" in about:
            asked["groups"] = list(about["group"])
            asked |= {name: about[name] for name in ("favourable",) if name in about}
        running.compare_and_show(base, pruned, data, how, machine, asked, robust, quiet)
