"""A text cut into words, numbers and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[^\W\d_]+|\d+|\S")


@dataclass(frozen=True)
class Token:
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


def tokenise(text: str) -> tuple[Token, ...]:
    """Every token of a text, left to right."""
    return tuple(Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text))
