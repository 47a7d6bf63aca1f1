"""A decision in the words of OpenAI's chat completions, whole or as a stream."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from leanfair.fairness.types import Decision
from leanfair.serving.api.chat_request import ChatRequest

NEVER = -9999.0
"""The log-probability of what has none, as OpenAI writes it."""
_WHY = {
    "refused": "The model declined to answer.",
    "unparsed": "The model answered with none of the options.",
    "abstained": "The variations of the text are decided differently: a person has to decide.",
}
"""Why there is no decision, by its status."""


class ChatBody(BaseModel):
    """A chat completion, as OpenAI describes it. The content is the option; where there is none,
    it is null, and `refusal` says why. `leanfair` holds the decision's status, whether it was
    flipped, how much the options captured, and notes."""

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str
    choices: list[dict[str, Any]]
    usage: dict[str, int] | None
    leanfair: dict[str, Any]


@dataclass(frozen=True)
class Chat:
    """An answer to `asked`. `tokens`: those of the text and of the answer, None where the model
    does not tell; `notes`: what a caller has to know."""

    asked: ChatRequest
    decision: Decision
    model: str
    fingerprint: str
    tokens: tuple[int, int] | None
    notes: tuple[str, ...]
    identity: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> dict[str, Any]:
        """The answer at once."""
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", **self._said()},
                "logprobs": self._logprobs(),
                "finish_reason": "stop",
            }
            for index in range(self.asked.n or 1)
        ]
        return {**self._head("chat.completion"), "choices": choices, "usage": self._usage(),
                "leanfair": self._beside()}  # fmt: skip

    def stream(self) -> Iterator[str]:
        """The answer as server-sent events: of each choice its role, its text and its end."""
        head = self._head("chat.completion.chunk")
        wants_usage = bool(self.asked.stream_options and self.asked.stream_options.include_usage)
        usage = {"usage": None} if wants_usage else {}
        for index in range(self.asked.n or 1):
            for delta, logprobs, reason in (
                ({"role": "assistant", "content": ""}, None, None),
                (self._said(), self._logprobs(), None),
                ({}, None, "stop"),
            ):
                choice = {
                    "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason
                }  # fmt: skip
                beside = {"leanfair": self._beside()} if reason else {}
                yield _event({**head, "choices": [choice], **usage, **beside})
        if wants_usage:
            yield _event({**head, "choices": [], "usage": self._usage()})
        yield "data: [DONE]\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.identity,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def _said(self) -> dict[str, Any]:
        label, status = self.decision.label, self.decision.status
        return {"content": label, "refusal": _WHY.get(status) if label is None else None}

    def _usage(self) -> dict[str, int] | None:
        if self.tokens is None:
            return None
        given, said = self.tokens
        said *= self.asked.n or 1
        return {"prompt_tokens": given, "completion_tokens": said, "total_tokens": given + said}

    def _logprobs(self) -> dict[str, Any] | None:
        if not self.asked.logprobs or self.decision.label is None:
            return None
        chances = self.decision.probabilities
        ranked = sorted(
            chances, key=lambda option: (option != self.decision.label, -chances[option])
        )
        top = [_logprob(option, chances[option]) for option in ranked]
        shown = top[: self.asked.top_logprobs or 0]
        return {"content": [{**top[0], "top_logprobs": shown}], "refusal": None}

    def _beside(self) -> dict[str, Any]:
        decision = self.decision
        notes = [*self.notes, *filter(None, [decision.note])]
        return {
            "status": decision.status,
            "probabilities": dict(decision.probabilities),
            "flipped": decision.flipped,
            "captured": decision.captured,
            "unread": list(decision.unread),
            "notes": notes,
        }


def _logprob(option: str, chance: float) -> dict[str, Any]:
    """An option as a token: it is said in one piece."""
    told = math.log(chance) if chance > 0 else NEVER
    return {"token": option, "logprob": max(told, NEVER), "bytes": list(option.encode())}


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, allow_nan=False)}\n\n"
