"""A server in this process: asked without a socket, or at a port of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import uvicorn

import leanfair
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.serving.app import application
from leanfair.serving.guard import Guard
from leanfair.serving.limits import Limits
from leanfair.serving.tokens import Tokens

TOKEN = "a-token-of-this-test"
OTHER = "another-token-of-this-test"
TOKENS = Tokens.of([TOKEN, OTHER])
OPTIONS = ["yes", "no"]
PROMPT = "Hire? {text} Answer:"
RACE = leanfair.attribute("race", values=["Black", "White"])
Model = Callable[[list[str]], Any]


def biased(texts: list[str]) -> Any:
    """Says yes with 0.9 where a White person is told of, with 0.4 where a Black one is."""
    found = [0.4 if "Black" in text else 0.9 if "White" in text else 0.6 for text in texts]
    return np.array([[chance, 1 - chance] for chance in found])


def fair(model: Model = biased, prompt: str = PROMPT, **given: Any) -> Decider:
    return leanfair.mitigate(judge(model, prompt, **given), RACE, "mean")


def judge(model: Model = biased, prompt: str = PROMPT, **given: Any) -> leanfair.Judge:
    return leanfair.Judge(Function(model, name="test"), prompt, OPTIONS, **given)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What is wrong; every problem has the shape that OpenAI's clients read."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return str(error["message"])


async def asked(
    app: Any,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    leave: asyncio.Event | None = None,
    parts: int = 1,
) -> Reply:
    """What `app` answers. `leave`: set when the caller leaves. `parts`: messages that the body
    comes in."""
    size = max(1, -(-len(body) // parts))
    pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    sent: list[dict[str, Any]] = []
    gone = leave or asyncio.Event()

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"host": "testing", **(headers or {})}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"", "root_path": "", "headers": raw, "client": ("127.0.0.1", 1),
        "server": ("testing", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    if not sent:
        return Reply(0, {}, b"")
    begun = sent[0]
    told = {name.decode(): value.decode("latin-1") for name, value in begun["headers"]}
    return Reply(begun["status"], told, b"".join(m.get("body", b"") for m in sent[1:]))


class Caller:
    """Asks an application that is alive, from any thread."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.loop = app, loop

    def start(self, method: str, path: str, content: Any = None, **given: Any) -> Any:
        """A future of the reply. `content`: bytes as they are, anything else as JSON."""
        headers = {"authorization": f"Bearer {TOKEN}", **(given.pop("headers", None) or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
        if content is not None:
            headers.setdefault("content-type", "application/json")
        request = asked(self.app, method, path, content or b"", headers, **given)
        return asyncio.run_coroutine_threadsafe(request, self.loop)

    def __call__(self, method: str, path: str, content: Any = None, **given: Any) -> Reply:
        reply: Reply = self.start(method, path, content, **given).result(20)
        return reply

    def post(self, path: str, content: Any, **given: Any) -> Reply:
        return self("POST", path, content, **given)

    def decide(self, *items: Any, **given: Any) -> Reply:
        return self.post("/v1/decisions", {"items": list(items)}, **given)

    def chat(self, text: Any = "He is a Black man.", **given: Any) -> Reply:
        messages = given.pop("messages", [{"role": "user", "content": text}])
        return self.post(
            "/v1/chat/completions", {"model": "leanfair", "messages": messages, **given}
        )


@contextmanager
def served(
    decider: Decider | None = None, tokens: Tokens = TOKENS, **given: Any
) -> Iterator[Caller]:
    """A caller of an application for `decider`, which is alive meanwhile."""
    app = application(decider or fair(), tokens, **given)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        with _lifespan(app, loop):
            yield Caller(app, loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _lifespan(app: Guard, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    told: asyncio.Queue[str] = asyncio.Queue()
    said: asyncio.Queue[str] = asyncio.Queue()

    async def receive() -> dict[str, str]:
        return {"type": await told.get()}

    async def send(message: Any) -> None:
        await said.put(message["type"])

    async def pass_on(kind: str) -> None:
        await told.put(f"lifespan.{kind}")
        assert await said.get() == f"lifespan.{kind}.complete"

    running = asyncio.run_coroutine_threadsafe(app({"type": "lifespan"}, receive, send), loop)
    asyncio.run_coroutine_threadsafe(pass_on("startup"), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(pass_on("shutdown"), loop).result(30)
        running.result(10)


@contextmanager
def at_a_port(app: Any) -> Iterator[tuple[str, uvicorn.Server]]:
    """The address of a server that runs `app`, and the server."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join()


def limits(**given: Any) -> Limits:
    return Limits(**given)
