"""A server on 127.0.0.1 that speaks as OpenAI's does, or as badly as a test wants."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Asked = Mapping[str, Any]
"""The body of a request."""


@dataclass
class Reply:
    """What is sent back."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False
    drip: float = 0.0
    """Seconds between two bytes of the body."""


Behaviour = Callable[[Asked, int], Reply]
"""From a request and how many came before it to what is sent back."""


def said(text: str | None, tops: Mapping[str, float] | None = None, **message: Any) -> Reply:
    """A chat completion with `text`, and the log-probabilities of the likeliest first tokens."""
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text, **message},
    }
    if tops:
        pairs = [{"token": t, "logprob": v, "bytes": None} for t, v in tops.items()]
        choice["logprobs"] = {"content": [{**pairs[0], "top_logprobs": pairs}]}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    return Reply({**whole, "choices": [choice]})


def trouble(status: int, message: str = "no", **headers: str) -> Reply:
    """An error, as such servers put it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"message": message}}, status, named)


def user_text(asked: Asked) -> str:
    """The text of the user's turn."""
    return str(asked["messages"][-1]["content"])


class Unruly:
    """The server; as a context, it runs while the context does."""

    def __init__(self, behaviour: Behaviour, models: Any = ("m",)) -> None:
        self.behaviour = behaviour
        self.models = models
        self.requests: list[Asked] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Unruly:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            number = len(self.requests)
            self.requests.append(asked)
        try:
            reply = self.behaviour(asked, number)
            time.sleep(reply.delay)
            return reply
        finally:
            with self._lock:
                self.at_once -= 1


def _handler(owner: Unruly) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            models = owner.models
            if not isinstance(models, Reply):
                data = [{"id": m, "object": "model", "created": 0, "owned_by": "x"} for m in models]
                models = Reply({"object": "list", "data": data})
            self._send(models)

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            owner.keys.append(self.headers.get("authorization", ""))
            owner.headers.append({name.lower(): value for name, value in self.headers.items()})
            self._send(owner.answer(json.loads(self.rfile.read(length))))

        def _send(self, reply: Reply) -> None:
            if reply.hang_up:
                self.close_connection = True
                self.connection.close()
                return
            raw = isinstance(reply.body, bytes)
            content = reply.body if raw else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("content-type", "text/html" if raw else "application/json")
            self.send_header("content-length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not reply.drip:
                self.wfile.write(content)
                return
            for byte in content:
                self.wfile.write(bytes([byte]))
                time.sleep(reply.drip)

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):  # the other side is gone, or we hung up
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
