"""Any server that speaks as OpenAI's does: many requests at once, and none can lose another."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from queue import SimpleQueue
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server.client import open_client
from leanfair.fairness.judge.backends.server.replies import failures, reason
from leanfair.fairness.judge.backends.server.secrets import bare, cleaned, secrets_of
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer

KEY_VARIABLE = "LEANFAIR_API_KEY"
_OPENAI_KEY = "OPENAI_API_KEY"

_Event: TypeAlias = "tuple[int, Answer] | BaseException | None"


class ServerBackend:
    """A model behind a URL such as "http://localhost:8000/v1".

    Options are scored by the log-probabilities that the server gives of the first token; where it
    gives none, or an option is longer than a token, the server is asked for a choice, and its
    answer read strictly (see `requests`). Requests that fail are tried again, waiting longer
    each time, or as long as the server says. One that fails for good is an answer "failed".

    Its key is the server's `api_key`, or $LEANFAIR_API_KEY; $OPENAI_API_KEY goes to OpenAI alone.
    """

    def __init__(self, server: Server, options: Options, min_captured: float) -> None:
        self.url = server.url.rstrip("/")
        self.server = server
        self.options = options
        self.min_captured = min_captured
        self._worked = False
        _check(self.url)
        self.secrets = secrets_of(
            self.url, server.api_key, os.environ.get(KEY_VARIABLE), self._key()
        )

    def identity(self) -> Mapping[str, Any]:
        """The model's name and the server, without what a URL may hold of passwords."""
        revision = self.server.revision
        return {
            "kind": "server",
            "model": self.model,
            "fingerprint": revision,
            "url": bare(self.url),
        }

    def check(self, prompts: Sequence[Prompt]) -> Mapping[int, str]:
        """Nothing: the server's limits are its own to tell."""
        return {}

    def token_count(self, text: str) -> int | None:
        """Not known."""
        return None

    def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Ask for all, `concurrency` at a time. Raises InputError where nothing answers at all.

        The requests run in a thread with an event loop of its own, so that this also works where
        one runs already, as in a notebook.
        """
        if not prompts:
            return
        events: SimpleQueue[_Event] = SimpleQueue()
        running = _Running(lambda: self._all(prompts, events.put), events.put)
        try:
            while (event := events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            running.stop()

    @cached_property
    def model(self) -> str:
        """The name of the model: the one given, or the only one that the server has."""
        if self.server.model_name:
            return self.server.model_name
        try:
            with ThreadPoolExecutor(1) as thread:  # a loop may be running already in this one
                names = thread.submit(asyncio.run, self._names()).result()
        except failures() as error:
            raise InputError(
                f"The server {bare(self.url)} does not tell its models "
                f"({cleaned(reason(error), self.secrets)}): start it, check the URL, or give "
                f"model_name."
            ) from error
        if len(names) != 1:
            known = cleaned(", ".join(map(str, names[:10]))[:300], self.secrets) or "none"
            raise InputError(f"Name the model of {bare(self.url)} with model_name: it has {known}.")
        return str(names[0])

    async def _names(self) -> list[str]:
        async with self._client() as client:
            return [model.id async for model in await client.models.list()]

    async def _all(
        self, prompts: Sequence[Prompt], emit: Callable[[tuple[int, Answer]], None]
    ) -> None:
        from leanfair.fairness.judge.backends.server.requests import Requests

        def clean(event: tuple[int, Answer]) -> None:
            index, answer = event
            emit((index, replace(answer, text=cleaned(answer.text, self.secrets))))

        async with self._client() as client:
            requests = Requests(
                client, bare(self.url), self.model, self.server, self.options, self.min_captured
            )
            requests.worked = self._worked
            try:
                await requests.run(prompts, clean)
            except InputError as error:
                raise InputError(cleaned(str(error), self.secrets)) from error
            finally:
                self._worked = requests.worked

    def _client(self) -> Any:
        server = self.server
        return open_client(self.url, self._key(), server.timeout, server.retries, self._is_openai)

    @property
    def _is_openai(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        return host == "openai.com" or host.endswith(".openai.com")

    def _key(self) -> str:
        key = self.server.api_key or os.environ.get(KEY_VARIABLE)
        if not key and self._is_openai:
            key = os.environ.get(_OPENAI_KEY)
        return key or "none"


def _check(url: str) -> None:
    """Raise InputError where `url` is none of a server."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets or a port that are none
        whole = False
    if not whole:
        raise InputError(
            f"{cleaned(url, ())[:100] if '@' not in url else 'This'} is no URL of a server: give "
            f"one as http://localhost:8000/v1."
        )


class _Running:
    """A coroutine run in a thread of its own; what ends it is told to `tell`."""

    def __init__(
        self, make: Callable[[], Any], tell: Callable[[BaseException | None], None]
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._make, self._tell = make, tell
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cancel what still runs, and wait for it to end."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(timeout=5)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _work(self) -> None:
        try:
            self._task = self._loop.create_task(self._make())
            self._loop.run_until_complete(self._task)
        except BaseException as error:  # handed over to the thread that waits
            self._tell(error)
        else:
            self._tell(None)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
