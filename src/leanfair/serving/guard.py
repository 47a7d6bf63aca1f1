"""What stands before every route: who may ask, how much may come in, and one line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leanfair.serving.limits import BODY_WITHIN, Limits
from leanfair.serving.metrics import Metrics
from leanfair.serving.problems import ProblemError
from leanfair.serving.tokens import Tokens, bearer

_log = logging.getLogger("leanfair.serving")

OPEN = frozenset({"/", "/health", "/docs", "/openapi.json"})
"""Routes that need no token: a form that asks for one, and what tells nothing of anybody."""
ROUTES = OPEN | {"/metrics", "/v1/models", "/v1/decisions", "/v1/chat/completions"}
"""What a log and a counter may name: a path that is none of these could be a text."""
GONE = 499
"""The status in the log of a request whose caller left."""
POLICY = "default-src 'none'; frame-ancestors 'none'"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class GoneError(Exception):
    """The caller left: there is nobody to answer."""


@dataclass(frozen=True)
class Guard:
    """`app`, behind what every request has to pass. `hosts`: the names under which the server may
    be called, None for any."""

    app: ASGIApp
    tokens: Tokens
    limits: Limits
    metrics: Metrics
    hosts: frozenset[str] | None = None
    body_within: float = BODY_WITHIN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        identity, status = uuid4().hex[:16], 500
        has_begun = is_whole = False
        scope.setdefault("state", {})["identity"] = identity

        async def answer(message: Message) -> None:
            nonlocal status, has_begun, is_whole
            if message["type"] == "http.response.start":
                status, has_begun = message["status"], True
                message = {**message, "headers": _with_ours(message["headers"], identity)}
            elif message["type"] == "http.response.body":
                is_whole = not message.get("more_body", False)
            await send(message)

        try:
            await self._handle(scope, receive, answer)
        except GoneError:
            status = GONE
        except ProblemError as problem:
            await problem.response()(scope, receive, answer)
        except Exception as error:  # its words may be a text: where it happened is told alone
            status = 500
            _log.error("request %s failed: %s at %s", identity, type(error).__name__, _where(error))
            if not has_begun:
                await failed(identity).response()(scope, receive, answer)
            elif not is_whole:
                raise _BrokenError(identity) from None
        finally:
            self._tell(scope, status, time.perf_counter() - begun, identity)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1")
                   for name, value in scope["headers"]}  # fmt: skip
        self._check_origin(scope, headers)
        caller = self.tokens.caller(bearer(scope["headers"]))
        scope["state"]["caller"] = caller
        if caller is None and scope["path"] not in OPEN:
            raise ProblemError(
                401,
                "Give a token of this server: Authorization: Bearer TOKEN.",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        body = await self._body(receive, headers)
        scope["state"]["size"] = len(body)
        await self.app(scope, _again(body, receive), send)

    def _check_origin(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """Raise ProblemError for what a page of another site makes a browser send."""
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            raise ProblemError(
                403, "This server is called by the name of the machine that it is on."
            )
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        foreign = site not in ("same-origin", "none") if site else (
            origin is not None and origin.partition("://")[2] != host
        )  # fmt: skip
        if foreign:
            raise ProblemError(403, "The request comes from a page of another site.")

    async def _body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        """The body. Raises ProblemError where it is too large, or does not come in time."""
        told = headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:20]) > self.limits.max_body:
            raise self._too_large()
        try:
            return await asyncio.wait_for(self._read(receive), self.body_within)
        except asyncio.TimeoutError:
            raise ProblemError(
                408, f"The request did not come in within {self.body_within:g} s."
            ) from None

    async def _read(self, receive: Receive) -> bytes:
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.limits.max_body:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> ProblemError:
        return ProblemError(
            413,
            f"The request is larger than {self.limits.max_body:,} bytes: send less at a time.",
            headers={"Connection": "close"},
        )

    def _tell(self, scope: Scope, status: int, seconds: float, identity: str) -> None:
        route = scope["path"] if scope["path"] in ROUTES else "other"
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        caller = scope.get("state", {}).get("caller")
        self.metrics.request(route, status, seconds)
        _log.info(
            "%s %s %d %.0f ms caller %s request %s",
            method, route, status, 1000 * seconds, caller or "-", identity,
        )  # fmt: skip


def failed(identity: str) -> ProblemError:
    """What a caller is told of an error that nobody expected."""
    return ProblemError(500, f"The server failed; its log has this as {identity}.")


class _BrokenError(Exception):
    """An answer that broke off; the log says where."""


def _again(body: bytes, receive: Receive) -> Receive:
    """`body` as one message, and then whatever else comes: that the caller has left."""
    is_read = False

    async def read() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read


def _with_ours(headers: list[tuple[bytes, bytes]], identity: str) -> list[tuple[bytes, bytes]]:
    """`headers` with those that every answer has, where it has no other of the name."""
    there = {name.lower() for name, _ in headers}
    ours = {**_HEADERS, "x-request-id": identity}
    more = [(name.encode(), value.encode()) for name, value in ours.items()]
    return [*headers, *(pair for pair in more if pair[0] not in there)]


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host.rpartition("]")[0].lstrip("[") if "]" in host else host.partition(":")[0].lower()


def _where(error: BaseException) -> str:
    """The file and line where `error` was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
