"""The options that a judge decides among, and the ways in which each may be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from leanfair.errors import InputError


@dataclass(frozen=True)
class Options:
    """The `names` of the options and, for each, the `forms` in which an answer may state it.

    Every form counts with and without a space before it; that is the tokenizer's business.
    """

    names: tuple[str, ...]
    forms: tuple[tuple[str, ...], ...]

    @staticmethod
    def of(options: Sequence[str] | Mapping[str, Sequence[str]]) -> Options:
        """Options from their names, which may be written as they are, in lower case and
        capitalised; or from a dict of name to forms, which are then all there are.

        Raises InputError where there are fewer than two, or where one is the start of another in
        whole words, as "no" is of "no opinion": an answer could not tell them apart.
        """
        if isinstance(options, str) or len(options) < 2:
            raise InputError('Give at least two options, as in options=["yes", "no"].')
        if isinstance(options, Mapping):
            names = tuple(options)
            forms = tuple(_listed(name, options[name]) for name in names)
        else:
            names = tuple(options)
            forms = tuple(_usual(name) for name in names)
        made = Options(names, forms)
        made._check()
        return made

    def of_form(self) -> list[tuple[str, int]]:
        """Every form with the index of its option."""
        return [(form, index) for index, forms in enumerate(self.forms) for form in forms]

    def to_json(self) -> dict[str, list[str]]:
        """Name to forms, as `of` takes them."""
        return {name: list(forms) for name, forms in zip(self.names, self.forms, strict=True)}

    def best(self, probabilities: Mapping[str, float]) -> str:
        """The most probable option; of equals, the one named first."""
        return max(self.names, key=lambda name: probabilities[name])

    def _check(self) -> None:
        for (a, i), (b, j) in permutations(self.of_form(), 2):
            if i != j and starts_with_words(b, a):
                pair = f"{self.names[i]!r} and {self.names[j]!r}"
                why = "are written alike" if a.casefold() == b.casefold() else "share their start"
                raise InputError(
                    f"The options {pair} {why} ({a!r}, {b!r}), so that an answer cannot tell them "
                    f"apart: name one of them otherwise."
                )


def starts_with_words(text: str, words: str) -> bool:
    """Whether `text` starts with `words`, and no word goes on behind them; case is nothing."""
    text, words = text.casefold(), words.casefold()
    return text.startswith(words) and not goes_on(text, len(words))


def goes_on(text: str, end: int) -> bool:
    """Whether a word of `text` that holds the character before `end` goes on at `end`."""
    rest = text[end : end + 2]
    if not rest:
        return False
    if rest[0] in "'-" and len(rest) > 1:  # as in "no-one" and "don't"
        return rest[1].isalnum()
    return rest[0].isalnum() or rest[0] == "_"


def _usual(name: object) -> tuple[str, ...]:
    text = _stripped(name, name)
    lower = text.lower()
    return _once((text, lower, text[:1].upper() + text[1:], lower[:1].upper() + lower[1:]))


def _listed(name: object, forms: Sequence[str]) -> tuple[str, ...]:
    _stripped(name, name)
    if isinstance(forms, str) or not forms:
        raise InputError(f"The option {name!r} needs a list of the forms it is written in.")
    return _once(_stripped(name, form) for form in forms)


def _stripped(name: object, form: object) -> str:
    if not isinstance(form, str) or not form.strip():
        raise InputError(f"The option {name!r} is not a text with something in it.")
    return form.strip()


def _once(forms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(forms))
