"""The HTTP client of a server that is not trusted: bounded in bytes and time, and it goes nowhere
else."""

from __future__ import annotations

import asyncio
import zlib
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from leanfair.errors import MissingDependencyError

LARGEST = 1 << 23
"""Bytes of an answer, unpacked. That of a few tokens with their alternatives has thousands."""
_HOPS = 5
_MOVED = (301, 302, 303, 307, 308)
_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class OversizeError(Exception):
    """An answer of more bytes than one has."""


class RedirectError(Exception):
    """A server that sends requests, and the prompts in them, elsewhere."""


def openai_package() -> Any:
    """The package openai. Raises MissingDependencyError where it is not there."""
    try:
        import openai
    except ImportError as error:
        raise MissingDependencyError(
            "A server as a model needs the package openai: pip install 'leanfair[openai]'."
        ) from error
    return openai


def open_client(url: str, key: str, timeout: float, retries: int, is_openai: bool) -> Any:
    """A client of openai's for the server at `url`. Nothing of the environment goes to any other
    server than OpenAI's own."""
    openai = openai_package()
    withheld = () if is_openai else ("openai-organization", "openai-project")
    return openai.AsyncOpenAI(
        base_url=url,
        api_key=key,
        timeout=timeout,
        max_retries=retries,
        http_client=_bounded(openai, openai.DefaultAsyncHttpxClient, withheld)(timeout=timeout),
    )


def _bounded(openai: Any, base: Any, withheld: tuple[str, ...]) -> Any:
    """The class of openai's HTTP clients `base`, whose answers are bounded in bytes and in total
    time, which follows no redirect to another host, and sends none of the headers `withheld`."""

    package = import_module(base.__mro__[1].__module__.partition(".")[0])

    class Bounded(base):  # type: ignore[misc]
        heard = False
        """Whether any answer has come whole. Before that, silence is not asked again."""

        async def send(self, request: Any, **given: Any) -> Any:
            try:
                answer = await asyncio.wait_for(self._whole(request, given), self.timeout.read)
            except (TimeoutError, asyncio.TimeoutError):
                late = f"No whole answer within {self.timeout.read:g} seconds"
                failure = package.ReadTimeout(late, request=request)  # that openai tries again
                if not self.heard:
                    raise openai.APITimeoutError(request=request) from failure
                raise failure from None
            self.heard = True
            return answer

        async def _whole(self, request: Any, given: dict[str, Any]) -> Any:
            request.headers["Accept-Encoding"] = "identity"
            for name in withheld:
                request.headers.pop(name, None)
            given = {**given, "stream": True, "follow_redirects": False}
            for _ in range(_HOPS):
                response = await super().send(request, **given)
                try:
                    onward = _onward(request, response)
                    if onward is None:
                        return _rebuilt(response, await _content(response))
                finally:
                    await response.aclose()
                request = self.build_request(
                    request.method, onward, headers=request.headers, content=request.content
                )
            raise RedirectError("It redirects in a circle")

    return Bounded


def _onward(request: Any, response: Any) -> str | None:
    """Where on the same host a redirect leads; None where there is none. Raises RedirectError for
    one to another host, or to one that is not encrypted."""
    if response.status_code not in _MOVED:
        return None
    target = request.url.join(response.headers.get("location", ""))
    here, there = urlsplit(str(request.url)), urlsplit(str(target))
    safe = there.scheme == here.scheme or (here.scheme, there.scheme) == ("http", "https")
    if here.hostname != there.hostname or not safe:
        raise RedirectError(f"It redirects to another place, {there.scheme}://{there.netloc}")
    if response.status_code not in (307, 308) and request.method != "GET":
        raise RedirectError(f"It redirects to {there.path}, without the prompt")
    return str(target)


async def _content(response: Any) -> bytes:
    """The body, unpacked. Raises OversizeError where it is longer than answers are."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in (*_CODINGS, "identity", ""):
        raise OversizeError(f"The answer is packed as {coding[:20]!r}, which was not asked for")
    unpack = zlib.decompressobj(_CODINGS[coding]) if coding in _CODINGS else None
    parts: list[bytes] = []
    size = 0
    async for raw in response.aiter_raw(1 << 16):
        try:
            part = raw if unpack is None else unpack.decompress(raw, LARGEST + 1 - size)
        except zlib.error as error:
            raise OversizeError("The answer is packed in a broken way") from error
        size += len(part)
        if size > LARGEST or (unpack is not None and unpack.unconsumed_tail):
            raise OversizeError(f"The answer has more than {LARGEST:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _rebuilt(response: Any, content: bytes) -> Any:
    """The response with the body that was read."""
    left_out = (b"content-encoding", b"content-length", b"transfer-encoding")
    headers = [(k, v) for k, v in response.headers.raw if k.lower() not in left_out]
    return type(response)(
        response.status_code, headers=headers, content=content, request=response.request
    )
