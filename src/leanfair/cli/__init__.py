"""The command line. Nothing heavy is imported here, nor before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from leanfair.cli import demo
from leanfair.cli.commands import LazyGroup
from leanfair.version import __version__

app = typer.Typer(
    name="leanfair",
    cls=LazyGroup,
    help="Make a trained network lean and a language model's decisions fair, with the evidence.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
demos = typer.Typer(
    help="Show a capability on embedded data, offline.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
demos.command("prune")(demo.prune_digits)
demos.command("fair")(demo.audit_census)
demos.command("compare")(demo.compare_digits)
app.add_typer(demos, name="demo")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"leanfair {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point of the command `leanfair`."""
    app()
