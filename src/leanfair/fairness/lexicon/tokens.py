"""A text cut into words, numbers and signs, each with its place; and where addresses stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

_TOKEN = re.compile(r"[^\W\d_]+|\d+|\S")
_UNSPACED = re.compile(r"\S+")
_DOT = re.compile(r"\.\w+")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|(?<!\w)@\w+(?:-[\w-]*\.\w+/\S+)?|(?<![\w-])-*\w[\w-]*\.\w+/\S+"
)


class Token(NamedTuple):
    """A run of letters, a run of digits, or one sign; half-open place in the text."""

    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        """The token without capitals."""
        return self.text.lower()

    @property
    def is_word(self) -> bool:
        """Whether it is made of letters."""
        return self.text[0].isalpha()

    @property
    def is_capitalised(self) -> bool:
        """Whether it is a word that begins with a capital."""
        return self.text[0].isupper()


class Tokens(Sequence[Token]):
    """The tokens of a text, left to right: what they say, where they begin and end. A token is put
    together where it is asked for: a long text has many that nobody looks at."""

    def __init__(self, text: str) -> None:
        spans = [found.span() for found in _TOKEN.finditer(text)]
        self.texts: list[str] = _TOKEN.findall(text)
        self.starts = [start for start, _ in spans]
        self.ends = [end for _, end in spans]

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, i: int) -> Token: ...
    @overload
    def __getitem__(self, i: slice) -> list[Token]: ...
    def __getitem__(self, i: int | slice) -> Token | list[Token]:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        return Token(self.texts[i], self.starts[i], self.ends[i])


def tokenise(text: str) -> Tokens:
    """Every token of a text, left to right."""
    return Tokens(text)


def mail_addresses(text: str) -> list[tuple[int, int]]:
    """Where something like me@example.org stands, with what it is joined to in front. (As one
    pattern it would be tried from every letter, and a long text without spaces take minutes.)"""
    found = []
    for chunk in _UNSPACED.finditer(text) if "@" in text else ():
        written = chunk.group()
        if "@" not in written:
            continue
        dots = list(_DOT.finditer(written))
        last = dots[-1] if dots else None
        if last is not None and written.find("@", 1, max(1, last.start() - 1)) > 0:
            found.append((chunk.start(), chunk.start() + last.end()))
    return found


def links(text: str) -> Iterator[tuple[int, int]]:
    """Where mail addresses, web addresses, with or without their scheme, and handles stand."""
    start = 0
    for mail in mail_addresses(text):
        yield from (found.span() for found in _LINK.finditer(text, start, mail[0]))
        yield mail
        start = mail[1]
    yield from (found.span() for found in _LINK.finditer(text, start))
