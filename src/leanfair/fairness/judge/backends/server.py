"""Any server that speaks as OpenAI's does: many requests at once, and none can lose another."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from queue import SimpleQueue
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from leanfair.errors import InputError, MissingDependencyError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server_replies import failures, reason
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
    answer read strictly (see `server_requests`). Requests that fail are tried again, waiting longer
    each time, or as long as the server says. One that fails for good is an answer "failed".

    Its key is the server's `api_key`, or $LEANFAIR_API_KEY; $OPENAI_API_KEY goes to OpenAI alone.
    """

    def __init__(self, server: Server, options: Options, min_captured: float) -> None:
        self.url = server.url.rstrip("/")
        self.server = server
        self.options = options
        self.min_captured = min_captured
        self._worked = False
        if not urlsplit(self.url).hostname:
            raise InputError(
                f"{self.url} is no URL of a server: give one as http://localhost:8000/v1."
            )

    def identity(self) -> Mapping[str, Any]:
        """The model's name and the server, without what a URL may hold of passwords."""
        parts = urlsplit(self.url)
        port = "" if parts.port is None else f":{parts.port}"
        address = urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path, "", ""))
        revision = self.server.revision
        return {"kind": "server", "model": self.model, "fingerprint": revision, "url": address}

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
        openai = _openai()
        try:
            with openai.OpenAI(**self._connection()) as client:
                names = [model.id for model in client.models.list()]
        except failures() as error:
            raise InputError(
                f"The server {self.url} does not tell its models ({reason(error)}): start it, "
                f"check the URL, or give model_name."
            ) from error
        if len(names) != 1:
            known = ", ".join(map(str, names[:10])) or "none"
            raise InputError(f"Name the model of {self.url} with model_name: it has {known}.")
        return str(names[0])

    async def _all(
        self, prompts: Sequence[Prompt], emit: Callable[[tuple[int, Answer]], None]
    ) -> None:
        from leanfair.fairness.judge.backends.server_requests import Requests

        async with _openai().AsyncOpenAI(**self._connection()) as client:
            requests = Requests(
                client, self.url, self.model, self.server, self.options, self.min_captured
            )
            requests.worked = self._worked
            try:
                await requests.run(prompts, emit)
            finally:
                self._worked = requests.worked

    def _connection(self) -> dict[str, Any]:
        return {
            "base_url": self.url,
            "api_key": self._key(),
            "timeout": self.server.timeout,
            "max_retries": self.server.retries,
        }

    def _key(self) -> str:
        host = urlsplit(self.url).hostname or ""
        key = self.server.api_key or os.environ.get(KEY_VARIABLE)
        if not key and (host == "openai.com" or host.endswith(".openai.com")):
            key = os.environ.get(_OPENAI_KEY)
        return key or "none"


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


def _openai() -> Any:
    try:
        import openai
    except ImportError as error:
        raise MissingDependencyError(
            "A server as a model needs the package openai: pip install 'leanfair[openai]'."
        ) from error
    return openai
