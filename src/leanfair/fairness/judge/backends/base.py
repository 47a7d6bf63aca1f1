"""What a judge asks of a back end, and which one is meant by what a user names as a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from leanfair.fairness.judge.options import Options
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


@dataclass(frozen=True)
class Settings:
    """How a model is asked. Each back end takes what concerns it."""

    options: Options
    min_captured: float = 0.1
    max_new_tokens: int = 16
    batch_size: int | None = None
    device: str = "auto"
    dtype: str = "auto"
    chat: bool | None = None
    model_name: str | None = None
    revision: str | None = None
    api_key: str | None = None
    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 5
    requests_per_minute: float | None = None
