"""What a server's reply says of the options. Nothing of a reply is trusted to be there."""

from __future__ import annotations

from math import exp, fsum
from typing import Any

from leanfair.fairness.judge.backends.server.client import OversizeError, RedirectError
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import read_answer
from leanfair.fairness.types import Answer

DECLINED = "cannot answer"
"""Offered beside the options where a server is asked for a choice."""
_NOTABLE = 0.01
_BLANK = " \t\r\nĠ▁"
_DRESSING = _BLANK + ".*\"'`"


class NonsenseError(Exception):
    """A reply that is no chat completion."""


def from_logprobs(reply: Any, options: Options, min_captured: float) -> Answer | None:
    """The answer by the log-probabilities of the likeliest first tokens.

    A token counts for an option where it states one of its forms in full, in any case; what is not
    among the likeliest counts as 0. None where that does not tell: the reply has none, an option
    takes more than a token, or the text states an option that the first token does not.
    """
    tokens = _first_tokens(reply)
    owner = {form.casefold(): index for form, index in options.of_form()}
    sums: list[list[float]] = [[] for _ in options.names]
    begun = []
    for token, log in tokens:
        plain = token.strip(_DRESSING).casefold()
        if plain in owner:
            sums[owner[plain]].append(exp(log))
        elif plain and any(form.startswith(plain) for form in owner):
            begun.append(exp(log))
    masses = [fsum(parts) for parts in sums]
    total = fsum(masses)
    if not tokens or fsum(begun) > _NOTABLE * total:
        return None
    if total < min_captured or total == 0:
        written = from_text(reply, options)
        if written.status == "answered":  # as in "**Yes**": tokens stand before the one that counts
            return None
        if total == 0:
            return written
    shares = {name: mass / total for name, mass in zip(options.names, masses, strict=True)}
    return Answer("answered", shares, min(total, 1.0), _text(reply))


def from_text(reply: Any, options: Options) -> Answer:
    """The answer by what the reply says, read strictly."""
    message, text = _message(reply), _text(reply)
    refusal = getattr(message, "refusal", None)
    if refusal or getattr(_choice(reply), "finish_reason", None) == "content_filter":
        return Answer("refused", captured=0.0, text=str(refusal or text))
    label, status = read_answer(text, options)
    if label is None:
        said = text.casefold()
        declined = DECLINED in said and len(said) <= len(DECLINED) + 20
        return Answer("refused" if declined else status, captured=0.0, text=text)
    return Answer("answered", {n: float(n == label) for n in options.names}, 1.0, text)


def failures() -> tuple[type[Exception], ...]:
    """What a request may raise: errors of the client and of the network, and those of a reply that
    is not built as the client expects."""
    import asyncio

    from openai import OpenAIError

    odd = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
    own = (OversizeError, RedirectError)
    return (OpenAIError, OSError, asyncio.TimeoutError, *own, *odd)


def reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else body
    text = told if isinstance(told, str) and told.strip() else str(error)
    if isinstance(error.__cause__, (OversizeError, RedirectError)):
        text = str(error.__cause__)
    text = text.strip() or type(error).__name__
    return text.splitlines()[0][:300].rstrip(".")


def _first_tokens(reply: Any) -> list[tuple[str, float]]:
    """The likeliest tokens where the answer starts, with their log-probabilities."""
    _message(reply)
    content = getattr(getattr(_choice(reply), "logprobs", None), "content", None) or []
    for place in content:
        if str(getattr(place, "token", "")).strip(_BLANK):
            top = getattr(place, "top_logprobs", None) or [place]
            return [_pair(token) for token in top]
    return []


def _pair(token: Any) -> tuple[str, float]:
    text, log = getattr(token, "token", None), getattr(token, "logprob", None)
    if not isinstance(text, str) or not isinstance(log, (int, float)) or not log <= 1e-3:
        raise NonsenseError("The server's log-probabilities are none")
    return text, float(log)


def _text(reply: Any) -> str:
    content = getattr(_message(reply), "content", None)
    return content if isinstance(content, str) else ""


def _message(reply: Any) -> Any:
    message = getattr(_choice(reply), "message", None)
    if message is None:
        raise NonsenseError("The server's answer is no chat completion")
    return message


def _choice(reply: Any) -> Any:
    choices = getattr(reply, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise NonsenseError("The server's answer is no chat completion")
    return choices[0]
