"""The options of `leanfair serve` that belong to the server, not to what it decides by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanfair.options import Help, Range


@dataclass(frozen=True)
class Serving:
    """Where a server is, who may ask, and what it writes down."""

    host: Annotated[str, Help("The address to listen to; 0.0.0.0 for all of this machine.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Help("The port; 0 for any that is free."), Range(least=0, most=65_535)] = (
        8000
    )
    token_file: Annotated[
        str | None,
        Help(
            "A file with the tokens that open the server, one a line.", default="$LEANFAIR_TOKENS"
        ),
    ] = None
    insecure: Annotated[bool, Help("Let anybody ask, without a token.", flags="--insecure")] = False
    served_name: Annotated[str, Help("What clients call the model.")] = "leanfair"
    record: Annotated[
        str | None,
        Help(
            "A file that gets a line for each decision, without its text, for audits.",
            default="none",
        ),
    ] = None
    log_texts: Annotated[
        bool,
        Help("Log what errors of the model say, which may quote texts.", flags="--log-texts"),
    ] = False
