"""Requests to an OpenAI-compatible server, and what becomes of each.

A server is asked in the best way that it knows, found out with the first prompts:

- "logprobs": the log-probabilities of the likeliest first tokens, added up by option;
- "choice": an answer out of a list, which also holds a way to decline, so that nobody is forced;
- "text": whatever it writes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server.client import OversizeError, RedirectError
from leanfair.fairness.judge.backends.server.replies import (
    DECLINED,
    NonsenseError,
    failures,
    from_logprobs,
    from_text,
    reason,
)
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer

Way = Literal["logprobs", "choice", "text"]
WAYS: tuple[Way, ...] = ("logprobs", "choice", "text")
Trouble = Literal["unreachable", "silent", "down", "denied", "prompt", "nonsense"]

_PROBES = 3
_PROBE_RETRIES = 2
_GRACE = 130.0
"""Seconds that a request may wait for its turn beyond its time-outs: servers ask for up to 120."""
_TOP = 20
_CHOICE_TOKENS = 48


class RequestError(Exception):
    """A request that failed for good, and what kind of trouble that is."""

    def __init__(self, trouble: Trouble, why: str) -> None:
        super().__init__(why)
        self.trouble = trouble

    @property
    def answer(self) -> Answer:
        """The answer that tells of it."""
        return Answer("failed", captured=0.0, text=str(self))


class Requests:
    """The requests for one table."""

    def __init__(
        self,
        client: Any,
        url: str,
        model: str,
        server: Server,
        options: Options,
        min_captured: float,
    ) -> None:
        self.client, self.url, self.model, self.server = client, url, model, server
        self.options, self.min_captured = options, min_captured
        self.way: Way = "logprobs"
        self.worked = False
        """Whether the server has answered before."""
        self._settled = False
        self._top = _TOP
        self._limit_name = "max_tokens"
        self._down_in_a_row = 0
        self._next_start = 0.0

    async def run(
        self, prompts: Sequence[Prompt], emit: Callable[[tuple[int, Answer]], None]
    ) -> None:
        """Ask for all, in the order of their texts: servers keep what they computed of the latest
        prompts, and one that starts alike is spared that start. The first prompts go one by one, to
        find the server's way, or that it is down, before anything is spent on the rest."""
        waiting = deque(in_order(prompts))
        client, self.client = self.client, self._hasty()
        again = await self._probe(waiting, prompts, emit)
        self.client = client
        waiting.extend(again)
        workers = min(max(1, self.server.concurrency), len(waiting))
        await asyncio.gather(*(self._work(waiting, prompts, emit) for _ in range(workers)))

    async def _probe(
        self,
        waiting: deque[int],
        prompts: Sequence[Prompt],
        emit: Callable[[tuple[int, Answer]], None],
    ) -> list[int]:
        """Ask for some of `waiting`, until one is answered. Returns those that are to be asked
        again; raises InputError where there is no use in it."""
        again: list[int] = []
        for tried in range(1, _PROBES + 1):
            if not waiting:
                break
            index = waiting.popleft()
            try:
                emit((index, await self._one(prompts[index])))
                break
            except RequestError as error:
                last = tried == _PROBES or not waiting
                alone = error.trouble == "down" and tried < _PROBES  # perhaps only this prompt is
                useless = error.trouble == "silent" or (
                    last and error.trouble != "prompt" and not alone
                )
                if error.trouble == "denied" or (useless and not self.worked):
                    raise self._refused(error) from error
                if error.trouble == "prompt":
                    emit((index, error.answer))
                else:
                    again.append(index)
        return again

    def _hasty(self) -> Any:
        """The client, with few tries: whether a server is down should be known soon."""
        return self.client.with_options(max_retries=min(self.server.retries, _PROBE_RETRIES))

    async def _work(
        self,
        waiting: deque[int],
        prompts: Sequence[Prompt],
        emit: Callable[[tuple[int, Answer]], None],
    ) -> None:
        while waiting:
            index = waiting.popleft()
            try:
                if self._down_in_a_row >= max(10, 2 * self.server.concurrency):
                    raise RequestError("down", f"The server {self.url} stopped answering")
                answer = await self._one(prompts[index])
                self._down_in_a_row = 0
            except RequestError as failure:
                self._down_in_a_row += failure.trouble in ("down", "silent")
                answer = failure.answer
            emit((index, answer))

    def _refused(self, failure: RequestError) -> InputError:
        if failure.trouble == "silent":
            return InputError(
                f"The server {self.url} does not answer in {self.server.timeout:g} seconds "
                f"({failure}): start it, check the URL, or give it more time (timeout)."
            )
        what = {
            "unreachable": "does not answer",
            "down": "does not answer",
            "denied": "does not let us in, or has no such model",
            "nonsense": "does not answer as an OpenAI-compatible server does",
        }.get(failure.trouble, "fails")
        return InputError(
            f"The server {self.url} {what} ({failure}): start it, or check the URL, the key and "
            f"model_name."
        )

    # ---- one prompt ---------------------------------------------------------------------------

    async def _one(self, prompt: Prompt) -> Answer:
        """The answer to one prompt, the way that is settled, or else the first that works."""
        ways = [self.way] if self._settled else list(WAYS[WAYS.index(self.way) :])
        for way in ways:
            try:
                reply = await self._request(prompt, way)
                answer = self._read(reply, way)
            except RequestError as failure:
                if failure.trouble != "prompt" or way == ways[-1]:
                    raise
                continue  # a server that knows no such way of asking says that it is a bad request
            if answer is not None:
                self.way, self._settled, self.worked = way, True, True
                return answer
        raise RequestError("nonsense", "The server's answer holds nothing to read")

    def _read(self, reply: Any, way: Way) -> Answer | None:
        """The answer in a reply; None where the next way is to be tried."""
        try:
            answer = None
            if way == "logprobs":
                answer = from_logprobs(reply, self.options, self.min_captured)
                if answer is None and not self._settled:
                    return None
            return answer or from_text(reply, self.options)
        except NonsenseError as error:
            raise RequestError("nonsense", str(error)) from error

    async def _request(self, prompt: Prompt, way: Way) -> Any:
        await self._turn()
        limit = self.server.timeout * (self.server.retries + 1) + _GRACE
        for _ in range(3):
            create = self.client.chat.completions.create(**self._arguments(prompt, way))
            try:
                return await asyncio.wait_for(create, limit)
            except failures() as error:
                if self._adapts(error):
                    continue
                raise _failure(error) from error
        raise RequestError("prompt", "The server takes no limit on the tokens of an answer")

    def _arguments(self, prompt: Prompt, way: Way) -> dict[str, Any]:
        turns = [{"role": "user", "content": prompt.text}]
        if prompt.system:
            turns.insert(0, {"role": "system", "content": prompt.system})
        tokens = max(1, self.server.max_new_tokens)
        more: dict[str, Any] = {}
        if way == "logprobs":
            more = {"logprobs": True, "top_logprobs": self._top}
        elif way == "choice":
            tokens = max(tokens, _CHOICE_TOKENS)
            more = {"response_format": _choice((*self.options.names, DECLINED))}
        return {
            "model": self.model,
            "messages": turns,
            "temperature": 0,
            self._limit_name: tokens,
            **more,
        }

    def _adapts(self, error: Exception) -> bool:
        """Whether a request that was turned down is worth another, said a little otherwise."""
        text = str(error)
        if getattr(error, "status_code", None) not in (400, 422):
            return False
        if "max_completion_tokens" in text and self._limit_name == "max_tokens":
            self._limit_name = "max_completion_tokens"
            return True
        if "top_logprobs" in text and self._top > 5:  # some servers give no more than five
            self._top = 5
            return True
        return False

    async def _turn(self) -> None:
        """Wait until the rate that is allowed has room for another request."""
        rate = self.server.requests_per_minute
        if rate:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next_start)
            self._next_start = start + 60.0 / rate
            await asyncio.sleep(start - now)


def in_order(prompts: Sequence[Prompt]) -> list[int]:
    """The places of the prompts, those with a common start side by side."""
    return sorted(range(len(prompts)), key=lambda i: (prompts[i].system or "", prompts[i].text))


def _failure(error: Exception) -> RequestError:
    import openai

    why = reason(error)
    if isinstance(error, openai.APIResponseValidationError):
        return RequestError("nonsense", why)
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        kind: Trouble = "prompt"
        if status in (401, 403, 404):
            kind = "denied"
        elif status in (408, 409, 429) or status >= 500:
            kind = "down"
        return RequestError(kind, f"{status}: {why}")
    if isinstance(error, (openai.APITimeoutError, TimeoutError, asyncio.TimeoutError)):
        return RequestError("silent", why)
    for told in (error, error.__cause__):
        if isinstance(told, OversizeError):
            return RequestError("nonsense", why)
        if isinstance(told, RedirectError):
            return RequestError("denied", why)
    if isinstance(error, openai.APIConnectionError):
        return RequestError("unreachable", why)
    return RequestError("nonsense", f"{type(error).__name__}: {why}")


def _choice(names: Sequence[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(names)}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema},
    }
