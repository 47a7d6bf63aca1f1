"""`leanfair serve`: decisions over HTTP, for programs and for a person."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.fairness.options import Asking, Deciding, Judging, Keeping, Ruling, modern
from leanfair.cli.fairness.serving_options import Serving
from leanfair.cli.messages import told_plainly
from leanfair.errors import MissingDependencyError, OptionError
from leanfair.serving.limits import Limits

KINDS = (Asking, Deciding, Ruling, Judging, Keeping, Serving, Limits)
ELSEWHERE = ("table", "encoding", "out", "max_failed")
"""Options of tables."""


@with_options(*KINDS, without=ELSEWHERE)
def command(quiet: messages.Quiet = False, debug: messages.Debug = False, **given: Any) -> None:
    """Serve decisions of a language model that do not depend on a protected attribute.

    POST /v1/decisions takes texts or records; POST /v1/chat/completions serves any client of
    OpenAI's; / is a page for a person, /docs says the rest. Callers give a token, or none with
    --insecure. SIGTERM ends it once all that was taken is answered.
    """
    with told_plainly(debug):
        asked = values_of(modern(given), *KINDS)

        from leanfair.serving.tokens import tokens_of

        tokens = tokens_of(asked.get("token_file"), bool(asked.get("insecure")))
        _check(asked)
        try:
            from leanfair.serving.running import serve
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                f"Serving needs {error.name}: pip install 'leanfair[serve]'."
            ) from error
        from leanfair.cli.fairness import judging
        from leanfair.serving.record import Record

        judging.check_attribute(asked)
        judge = judging.open_judge(asked, asked.get("store"), None)
        record = Record(asked["record"]) if "record" in asked else None
        bounds = {each.name: asked[each.name] for each in fields(Limits) if each.name in asked}
        serve(
            judging.watched(judge, asked),
            tokens,
            host=asked.get("host", "127.0.0.1"),
            port=asked.get("port", 8000),
            name=asked.get("served_name", "leanfair"),
            limits=Limits(**bounds),
            record=record,
            log_texts=bool(asked.get("log_texts")),
            is_quiet=quiet,
            ready=lambda url: _welcome(url, tokens.is_open),
        )
        typer.echo("Ended: all that was taken is answered.", err=True)


def _check(asked: dict[str, Any]) -> None:
    written = [("store", asked.get("store")), ("record", asked.get("record"))]
    read = [*places.of_judging(asked), ("token_file", asked.get("token_file"))]
    places.check_apart(written, read)
    if asked.get("calibration") == "batch":
        raise OptionError(
            "{calibration} batch needs a table, and a server sees none: take contextual.",
            "calibration",
        )
    if "cache" in asked and "store" in asked:
        raise OptionError(
            "{cache} bounds what is kept in memory, and {store} keeps every answer: leave one of "
            "them out.",
            "cache", "store",
        )  # fmt: skip


def _welcome(url: str, is_open: bool) -> None:
    typer.echo(f"Serving at {url} (a page: {url}/, for programs: {url}/docs).", err=True)
    if is_open:
        typer.echo("Anybody who reaches this address may ask (--insecure).", err=True)
