"""Who may ask: bearer tokens (RFC 6750), one a line."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leanfair.errors import InputError, OptionError

VARIABLE = "LEANFAIR_TOKENS"
"""The environment's tokens, one a line."""
SHORTEST = 16
"""Characters of a token: shorter ones can be guessed."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_MAKE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class Tokens:
    """Hashes of the tokens that open the server, in their order; None where it is open to all.

    Hashes have one length, so that a comparison takes as long for any guess.
    """

    hashes: tuple[bytes, ...] | None

    @staticmethod
    def of(tokens: Iterable[str], origin: str = "tokens") -> Tokens:
        """These tokens. Blank lines and those that start with # are none. Raises InputError that
        names the line, and never what stands there."""
        kept = [
            (number, token.strip())
            for number, token in enumerate(tokens, start=1)
            if token.strip() and not token.lstrip().startswith("#")
        ]
        if not kept:
            raise InputError(f"There is no token in {origin}: {_MAKE}.")
        for number, token in kept:
            if not _TOKEN.fullmatch(token):
                raise InputError(
                    f"Line {number} of {origin} is no token: letters, digits and . _ ~ + / - make "
                    f"one, without blanks."
                )
            if len(token) < SHORTEST:
                raise InputError(
                    f"The token in line {number} of {origin} is shorter than {SHORTEST} "
                    f"characters, and can be guessed: {_MAKE}."
                )
        return Tokens(tuple(dict.fromkeys(_hash(token) for _, token in kept)))

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask."""
        return self.hashes is None

    def caller(self, token: str | None) -> int | None:
        """Which token this is, counted from 1; None where it is none, or wrong; 0 where anybody may
        ask. It takes as long for every token that is wrong."""
        if self.hashes is None:
            return 0
        found, given = None, _hash(token or "")
        for number, known in enumerate(self.hashes, start=1):
            if hmac.compare_digest(known, given):
                found = number
        return found if token else None


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token in a request's headers; None where there is none, or more than one."""
    given = [value for name, value in headers if name.lower() == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].decode("latin-1").strip().partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def tokens_of(
    file: str | None, insecure: bool, environment: Mapping[str, str] = os.environ
) -> Tokens:
    """The tokens that a command is given: those of `file`, or of the environment; none with
    `insecure`. Raises InputError where there is none at all, or more than one of these is given."""
    told = environment.get(VARIABLE)
    given = [name for name, there in (("token_file", file), ("insecure", insecure)) if there]
    if told is not None and given:
        raise OptionError(
            f"Tokens stand in ${VARIABLE}, so that {{{given[0]}}} would have no effect: leave one "
            f"of them out.",
            given[0],
        )
    if len(given) == 2:
        raise OptionError("{insecure} lets anybody in, and {token_file} does not: leave one of "
                          "them out.", *given)  # fmt: skip
    if insecure:
        return Tokens(None)
    if told is not None:
        return Tokens.of(told.splitlines(), f"${VARIABLE}")
    if file is None:
        raise OptionError(
            f"Who may ask? Give {{token_file}} with a token a line, or ${VARIABLE}; or let anybody "
            f"in with {{insecure}}.",
            "token_file", "insecure",
        )  # fmt: skip
    return Tokens.of(_lines_of(Path(file)), str(file))


def _lines_of(path: Path) -> list[str]:
    try:
        mode = path.stat().st_mode
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"The token file {path} cannot be read: {why}.") from error
    if os.name == "posix" and mode & stat.S_IROTH:
        raise InputError(
            f"Everybody on this machine can read the token file {path}: chmod o-r it, and give "
            f"new tokens to those who had these."
        )
    return lines


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
