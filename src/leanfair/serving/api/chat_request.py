"""What a client of OpenAI's asks for, as far as a decision can answer it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from leanfair.fairness.types import conversation
from leanfair.serving.problems import ProblemError

MOST_CHOICES = 128
MOST_OPTIONS = 20


class Part(BaseModel):
    """A part of a turn; text is the only kind that is taken."""

    model_config = ConfigDict(extra="allow")
    type: str
    text: str | None = None


class Turn(BaseModel):
    """A turn of the conversation."""

    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream holds beside the answer."""

    model_config = ConfigDict(extra="allow")
    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """A conversation whose last turn is the text to decide about. What has no meaning for a
    decision, such as temperature, is taken and named in the answer's notes."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": "leanfair", "messages": [{"role": "user", "content": "He is Black."}]}
            ]
        },
    )
    model: str
    messages: list[Turn] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=MOST_CHOICES)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_OPTIONS)
    max_tokens: int | None = Field(None, ge=1, description="The answer is one option, in full.")
    max_completion_tokens: int | None = Field(None, ge=1, description="As max_tokens.")
    tools: list[Any] | None = Field(None, description="Not taken.")
    functions: list[Any] | None = Field(None, description="Not taken.")
    response_format: dict[str, Any] | None = Field(None, description="Text alone.")
    logit_bias: dict[str, Any] | None = Field(None, description="Not taken.")
    modalities: list[str] | None = Field(None, description="Text alone.")


_REFUSED = {
    "tools": "Tools are not taken: the answer is one of the options.",
    "functions": "Functions are not taken: the answer is one of the options.",
    "logit_bias": "logit_bias is not taken: what is decided must not depend on the caller.",
    "audio": "Audio is not taken: send text.",
    "web_search_options": "Nothing is searched for: the answer is one of the options.",
}
_QUIET = frozenset(
    {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
     "stream_options", "parallel_tool_calls", "tool_choice", "function_call"}
)  # fmt: skip
"""What a client may say without meaning that the answer should be another."""


def check(asked: ChatRequest, model: str) -> None:
    """Raise ProblemError for what a decision cannot answer. `model`: the one that is served."""
    if asked.model != model:
        raise ProblemError(
            404,
            f"There is no model {asked.model[:100]!r} here: this server has {model!r}.",
            code="model_not_found",
            param="model",
        )
    for name, why in _REFUSED.items():
        if getattr(asked, name, None):
            raise ProblemError(400, why, param=name, code="unsupported_parameter")
    kind = (asked.response_format or {}).get("type", "text")
    if kind != "text":
        raise ProblemError(
            400,
            "response_format is text: the answer is one of the options, as it is named.",
            param="response_format",
            code="unsupported_parameter",
        )
    if any(kind != "text" for kind in asked.modalities or ()):
        raise ProblemError(
            400, "Answers are text.", param="modalities", code="unsupported_parameter"
        )
    if asked.top_logprobs is not None and not asked.logprobs:
        raise ProblemError(400, "top_logprobs goes with logprobs: true.", param="top_logprobs")
    if asked.stream_options is not None and not asked.stream:
        raise ProblemError(400, "stream_options goes with stream: true.", param="stream_options")


def text_of(asked: ChatRequest) -> str:
    """The text to decide about: the last turn, which is the user's. Where the user and the
    assistant have spoken before, the whole conversation, as `decide` reads a list of turns. Raises
    ProblemError where there is no such text."""
    turns = [turn for turn in asked.messages if turn.role not in ("system", "developer")]
    if not turns or turns[-1].role != "user":
        raise ProblemError(
            400, "The last message has to be the user's: the text to decide about.",
            param="messages",
        )  # fmt: skip
    found = [{"role": turn.role, "content": _content(turn)} for turn in turns]
    if not found[-1]["content"].strip():
        raise ProblemError(400, "The last message is empty.", param="messages")
    if len(found) == 1:
        return found[0]["content"]
    return conversation(found) or ""


def notes_on(asked: ChatRequest) -> list[str]:
    """What was asked for and has no effect here, in sentences."""
    found = []
    if any(turn.role in ("system", "developer") for turn in asked.messages):
        found.append(
            "The system message was not put before the model: this server's prompt is its own."
        )
    set_ = {*(asked.model_extra or {})} - _QUIET - {*_REFUSED}
    without = sorted(name[:60] for name in set_ if (asked.model_extra or {})[name] is not None)
    if without:
        found.append(f"Without effect on a decision: {', '.join(without[:20])}.")
    return found


def _content(turn: Turn) -> str:
    """The text of a turn, its parts a line each."""
    if turn.role in ("tool", "function") or (turn.model_extra or {}).get("tool_calls"):
        raise ProblemError(
            400, "Turns of tools are not taken.", param="messages", code="unsupported_parameter"
        )
    if turn.content is None:
        raise ProblemError(400, f"A message of the {turn.role} has no content.", param="messages")
    if isinstance(turn.content, str):
        return turn.content
    if any(part.type != "text" or part.text is None for part in turn.content):
        raise ProblemError(
            400,
            "Parts of a message have to be text: pictures, sounds and files are not read.",
            param="messages",
            code="unsupported_content",
        )
    return "\n".join(part.text or "" for part in turn.content)
