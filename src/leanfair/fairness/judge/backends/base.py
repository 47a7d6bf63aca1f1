"""What a judge asks of a back end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer


@runtime_checkable
class Backend(Protocol):
    """A model behind one way of asking it.

    It is cheap to make: what costs, such as reading weights, waits for the first `ask`.
    """

    def identity(self) -> Mapping[str, Any]:
        """What tells this model from others, as far as its answers depend on it; JSON-able. At
        least "kind", "model" and "fingerprint" (None where that cannot be known)."""

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        """What is wrong with which of `prompts` (as the end of a sentence), before any is paid."""

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Put `prompts` before the model; the answers come as they are ready, each with the index
        of its prompt. An answer that scores options is "answered", however little they capture.
        A prompt that fails for good gives an answer "failed" and costs no other its own."""

    def token_count(self, text: str) -> int | None:
        """How many tokens `text` is, None where that is not known."""
