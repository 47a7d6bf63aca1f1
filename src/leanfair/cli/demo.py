"""`leanfair demo`: what leanfair does, on embedded data, without network, in minutes."""

from __future__ import annotations

from typing import Annotated

import typer

from leanfair.cli import messages
from leanfair.cli.messages import check_texts, told_plainly

Out = Annotated[
    str, typer.Option("--out", help="The directory of the demo's run.", show_default=False)
]


def prune_digits(out: Out, quiet: messages.Quiet = False, debug: messages.Debug = False) -> None:
    """Train a small residual network on handwritten digits, then prune it.

    It loses at least 70 % of its MACs. Given again, the command goes on where it was stopped.
    """
    again = "The same command goes on where it was."
    with told_plainly(debug, when_stopped=again):
        check_texts(out=out)
        from leanfair.cli.pruning import demo_digits

        demo_digits.run(out, quiet)


def audit_census(out: Out, quiet: messages.Quiet = False, debug: messages.Debug = False) -> None:
    """Audit a small language model that decides about people, and correct its decisions.

    It reads census records with and without another race. Given again, the command goes on where it
    was stopped.
    """
    with told_plainly(debug, when_stopped="The same command goes on where it was."):
        check_texts(out=out)
        from leanfair.cli.fairness import demo_fair

        demo_fair.run(out, quiet)


def compare_digits(out: Out, quiet: messages.Quiet = False, debug: messages.Debug = False) -> None:
    """Put the network of the demo of pruning beside its parent: what was lost, and what was won.

    The run of `leanfair demo prune` beside OUT is taken where there is one, else it is made.
    """
    with told_plainly(debug, when_stopped="The same command goes on where it was."):
        check_texts(out=out)
        from leanfair.cli.comparison import demo_compare

        demo_compare.run(out, quiet)
