"""What must not be printed or kept of a server: keys, passwords in its URL, and control codes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

_SHORTEST = 4
"""Characters of a secret: what is shorter is in every text."""
_CODES = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b.")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def bare(url: str) -> str:
    """`url` without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def secrets_of(url: str, *keys: str | None) -> tuple[str, ...]:
    """What of `url` and `keys` is secret, the longest first."""
    parts = urlsplit(url)
    query = [value for _, value in parse_qsl(parts.query)]
    found = {key for key in (*keys, parts.password, parts.username, *query) if key}
    return tuple(sorted((s for s in found if len(s) >= _SHORTEST), key=len, reverse=True))


def cleaned(text: str, secrets: Iterable[str]) -> str:
    """`text` without secrets and without the codes that a terminal obeys. Line breaks and tabs
    stay."""
    plain = _CONTROL.sub("", _CODES.sub("", text))
    for secret in secrets:
        plain = plain.replace(secret, "***")
    return plain
