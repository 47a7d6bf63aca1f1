"""Where a prompt ends and an answer begins, in tokens.

A chat model's prompt ends where its template hands over to the assistant. For a plain model the
blanks at the very end of a prompt are left out and belong to the answer: after "Answer: " a model
expects the token " yes", which a prompt that already holds the blank makes improbable. Each form is
looked for with and without a blank before it.

The tokens of a form are those that follow the prompt's own when both are tokenized together, as a
model would write them. Where the two merge (a prompt that ends in "(" and a form "A" to "(A"), the
form's tokens are those that it has after a line break, since the prompt's tokens come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Any

from jinja2 import TemplateError

from leanfair.errors import InputError
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt

Tokens = tuple[int, ...]

_TAIL = 32
"""Characters before the answer that can still change how it is tokenized."""
_KNOWN = 10_000
"""Ends of prompts whose forms are kept."""
_MARK = "\u241f"


@dataclass(frozen=True)
class Forms:
    """The token sequences that state an option: all different, none starting with another of the
    same option. `options`: of each, the index of its option. `inside`: of each, the index of the
    sequence of another option that it starts with and is therefore counted under, or None."""

    sequences: tuple[Tokens, ...]
    options: tuple[int, ...]
    inside: tuple[int | None, ...]

    def masses(self, logs: Sequence[float], n: int) -> tuple[list[float], float]:
        """From the log-probability of each sequence: the shares of the `n` options, which sum to 1,
        and the probability that they capture together."""
        top = max(logs)
        weights = [exp(value - top) for value in logs]
        parts: list[list[float]] = [[] for _ in range(n)]
        for weight, option, outer in zip(weights, self.options, self.inside, strict=True):
            parts[option].append(weight)
            if outer is not None:
                parts[self.options[outer]].append(-weight)
        sums = [max(fsum(part), 0.0) for part in parts]
        total = fsum(sums)
        return [value / total for value in sums], min(total * exp(top), 1.0)


class Dialect:
    """How prompts and options are said in the tokens of one tokenizer.

    `chat`: whether the chat template is used; None for wherever there is one.
    """

    def __init__(self, tokenizer: Any, options: Options, chat: bool | None = None) -> None:
        self.tokenizer = tokenizer
        self.options = options
        template = bool(getattr(tokenizer, "chat_template", None))
        if chat and not template:
            raise InputError("This model's tokenizer has no chat template: leave chat out.")
        self.chat = template if chat is None else chat
        self._forms: dict[str, Forms] = {}

    def render(self, prompt: Prompt) -> str:
        """The text that the model continues with its answer."""
        if not self.chat:
            return prompt.plain.rstrip(" \t") or prompt.plain
        turns = [{"role": "user", "content": prompt.text}]
        if prompt.system:
            turns.insert(0, {"role": "system", "content": prompt.system})
        try:
            return self._templated(turns)
        except (TemplateError, TypeError, ValueError):  # as where it knows no system turn
            return self._templated([{"role": "user", "content": prompt.plain}])

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of rendered prompts, with the special ones that belong at their start."""
        if not texts:
            return []
        rows = self.tokenizer(list(texts), add_special_tokens=not self.chat, verbose=False)
        end = getattr(self.tokenizer, "eos_token_id", None)
        return [
            tuple(row[:-1] if len(row) > 1 and row[-1] == end and not self.chat else row)
            for row in rows["input_ids"]
        ]

    def head(self, prompt: Prompt) -> Tokens:
        """The tokens that every prompt of the same template starts with, as far as its words
        tell; the last ones may still differ."""
        marked = self.render(Prompt(prompt.head + _MARK, prompt.system, prompt.head))
        return self.encode([marked.partition(_MARK)[0]])[0] if marked else ()

    def count(self, text: str) -> int:
        """How many tokens `text` is, without special ones."""
        return len(self._plain(text))

    def forms(self, rendered: str) -> Forms:
        """The token sequences that state the options behind a rendered prompt."""
        tail = rendered[-_TAIL:]
        if len(self._forms) > _KNOWN:
            self._forms.clear()
        if tail not in self._forms:
            found = [
                (self._behind(tail, lead + form), option)
                for form, option in self.options.of_form()
                for lead in ("", " ")
            ]
            self._forms[tail] = disjoint(found, self.options.names)
        return self._forms[tail]

    def _behind(self, tail: str, form: str) -> Tokens:
        for before in (tail, "\n"):
            alone, together = self._plain(before), self._plain(before + form)
            if len(together) > len(alone) and together[: len(alone)] == alone:
                return together[len(alone) :]
        return self._plain(form)

    def _plain(self, text: str) -> Tokens:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _templated(self, turns: list[dict[str, str]]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return text


def disjoint(found: Sequence[tuple[Tokens, int]], names: Sequence[str]) -> Forms:
    """`found` token sequences with their options, so that no probability is counted twice.

    Raises InputError where two options are the same tokens.
    """
    owner: dict[Tokens, int] = {}
    for tokens, option in found:
        if owner.setdefault(tokens, option) != option:
            pair = f"{names[owner[tokens]]!r} and {names[option]!r}"
            raise InputError(
                f"The options {pair} are the same to this model's tokenizer: name one otherwise."
            )
    kept = [t for t in owner if (o := _outer(t, owner)) is None or owner[o] != owner[t]]
    places = {tokens: index for index, tokens in enumerate(kept)}
    outer = [_outer(t, places) for t in kept]
    inside = tuple(None if o is None else places[o] for o in outer)
    return Forms(tuple(kept), tuple(owner[t] for t in kept), inside)


def _outer(tokens: Tokens, among: Mapping[Tokens, int]) -> Tokens | None:
    """The longest of `among` that `tokens` starts with, itself aside."""
    starts = (tokens[:k] for k in range(len(tokens) - 1, 0, -1))
    return next((start for start in starts if start in among), None)
