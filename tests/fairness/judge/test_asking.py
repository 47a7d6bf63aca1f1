"""Equal prompts are asked once, known ones not at all, and broken ones before any is paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.asking import Asking
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer


class Echo:
    """A back end that answers the text it is asked; nothing for "lost", and "long" is too long."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def identity(self) -> Mapping[str, Any]:
        return {"kind": "test", "model": "echo", "fingerprint": None}

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        return {i: "is too long." for i, p in enumerate(prompts) if p.text == "long"}

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        for i, prompt in reversed(list(enumerate(prompts))):
            self.asked.append(prompt.text)
            if prompt.text != "lost":
                yield i, Answer("answered", {"a": 1.0, "b": 0.0}, text=prompt.text)

    def token_count(self, text: str) -> int | None:
        return None


def answers(asking: Asking, *texts: str) -> list[Answer]:
    prompts = [Prompt(text) for text in texts]
    return asking.answers(prompts, range(1, len(texts) + 1), {"who": "test"}, None)


def test_answers_come_in_the_order_of_the_prompts_and_each_is_asked_once() -> None:
    backend = Echo()
    asking = Asking(backend, Options.of(["a", "b"]), Store())
    assert [a.text for a in answers(asking, "x", "y", "x")] == ["x", "y", "x"]
    assert [a.text for a in answers(asking, "y", "z")] == ["y", "z"]
    assert sorted(backend.asked) == ["x", "y", "z"]
    assert asking.paid == 3


def test_an_answer_that_does_not_come_has_failed_and_is_asked_again() -> None:
    backend = Echo()
    asking = Asking(backend, Options.of(["a", "b"]), Store())
    assert [a.status for a in answers(asking, "lost", "x")] == ["failed", "answered"]
    answers(asking, "lost", "x")
    assert backend.asked.count("lost") == 2
    assert asking.paid == 1


def test_a_prompt_that_cannot_be_asked_is_named_before_any_is_paid_for() -> None:
    backend = Echo()
    asking = Asking(backend, Options.of(["a", "b"]), Store())
    with pytest.raises(InputError, match=r"^Row 2 is too long\.$"):
        answers(asking, "x", "long")
    assert backend.asked == []
