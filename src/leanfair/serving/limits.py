"""How much callers may ask for, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leanfair.options import Help, Range


@dataclass(frozen=True)
class Limits:
    """The bounds of a server. Whatever is beyond one of them is refused at once, with a sentence
    that says which."""

    max_body: Annotated[
        int, Help("Bytes of a request; more is refused (413)."), Range(least=1_000, most=10**9)
    ] = 1_000_000
    max_rows: Annotated[
        int, Help("Texts or records of a request; more is refused (422)."), Range(least=1)
    ] = 256
    max_text: Annotated[
        int,
        Help("Characters of a text, or of a record in all; more is refused (422)."),
        Range(least=1),
    ] = 50_000
    max_waiting: Annotated[
        int,
        Help("Texts or records that wait in all; more is refused (429), with a time to come back."),
        Range(least=1),
    ] = 2_000
    max_connections: Annotated[
        int, Help("Connections at a time; more is refused (503)."), Range(least=1)
    ] = 2_000
    answer_within: Annotated[
        float,
        Help("Seconds until a request that is not answered is given up (504)."),
        Range(above=0, below=86_401),
    ] = 60.0
    together: Annotated[
        int,
        Help("Texts or records of several callers that the model is asked about at once."),
        Range(least=1),
    ] = 64
    cache: Annotated[
        int,
        Help("Answers that are kept in memory, without their texts, where there is no store."),
        Range(least=0),
    ] = 10_000

    @property
    def max_held(self) -> int:
        """Bytes of requests that wait in all; at least one of the largest fits."""
        return max(self.max_body, 64_000_000)


BODY_WITHIN = 20.0
"""Seconds in which a request has to come in whole."""
