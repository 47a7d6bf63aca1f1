"""A server that runs until it is told to end, and then answers what it took."""

from __future__ import annotations

import errno
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from leanfair.errors import InputError, LeanfairError, first_line
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.mitigate import asked_judge
from leanfair.serving.app import application
from leanfair.serving.limits import BODY_WITHIN, Limits
from leanfair.serving.record import Record
from leanfair.serving.together import Group, decide_apart
from leanfair.serving.tokens import Tokens

PROBE = "N/A"
"""What a judge is asked about before it is served, to open its model and see that it answers."""
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def serve(
    decider: Decider,
    tokens: Tokens,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str = "leanfair",
    limits: Limits | None = None,
    record: Record | None = None,
    log_texts: bool = False,
    is_quiet: bool = False,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve `decider` at `host` and `port` (0 for any that is free) until a signal ends it.

    SIGTERM or SIGINT end it gracefully: nothing more is taken, what was taken is answered. `ready`
    is called with the server's address once it answers. Raises InputError where the port is in use,
    or the model does not answer.
    """
    bounds = limits or Limits()
    with _listening(host, port) as listening:
        check(decider)
        hosts = _LOCAL if tokens.is_open and _is_loopback(host) else None
        app = application(
            decider, tokens, name=name, limits=bounds, hosts=hosts, record=record,
            log_texts=log_texts,
        )  # fmt: skip
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=bounds.max_connections,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(bounds.answer_within + BODY_WITHIN) + 5,
        )
        ready(_address(host, listening.getsockname()[1]))
        with _logging(is_quiet), _ended_by_signals():
            uvicorn.Server(config).run(sockets=[listening])


def check(decider: Decider) -> None:
    """Open the model, and see that it answers. Raises InputError where it does not, or where the
    judge is not fitted, since a server sees no table."""
    if not decider.fitted:
        decider.fit()
    slots = decider.fields or ("text",)
    item = PROBE if tuple(slots) == ("text",) else dict.fromkeys(slots, PROBE)
    # What is probed is the model, not the variations.
    (found,) = decide_apart(asked_judge(decider), [Group([item])])
    if isinstance(found, BaseException):
        cause = found.__cause__ or found
        if isinstance(cause, LeanfairError):
            raise cause
        told = f"{type(cause).__name__}: {first_line(cause)}"
        raise InputError(f"The model does not answer ({told}).") from cause
    if found[0].status == "failed":
        raise InputError("The model gives no answer: see that it runs, then start again.")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises InputError where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise InputError(
                f"Port {port} of {host} is in use: end what uses it, or give another --port."
            ) from error
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{host} port {port} cannot be listened to: {why}.") from error
    with listening:
        yield listening


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _logging(is_quiet: bool) -> Iterator[None]:
    """Log to stderr: a line a request, unless it has to be quiet, and what goes wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    names = ("leanfair.serving", "uvicorn.error")
    levels = (logging.WARNING if is_quiet else logging.INFO, logging.WARNING)
    loggers = [logging.getLogger(name) for name in names]
    was = [logger.level for logger in loggers]
    for logger, level in zip(loggers, levels, strict=True):
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in zip(loggers, was, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A signal that ends the server ends it alone: uvicorn raises it again afterwards, so that the
    process would end as if it had been killed."""

    def ended(number: int, frame: FrameType | None) -> None:
        return

    try:
        was = {each: signal.signal(each, ended) for each in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: signals are somebody else's
        was = {}
    try:
        yield
    finally:
        for each, handler in was.items():
            signal.signal(each, handler)
