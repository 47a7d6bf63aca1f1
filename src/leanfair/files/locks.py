"""The lock that keeps two writers apart."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from leanfair.errors import RunDirectoryError
from leanfair.files.writing import sentence, write_json

_log = logging.getLogger(__name__)
_MOST = 10_000
"""Bytes that are read of who holds a lock."""


@contextmanager
def locked(
    file: Path, what: str, remedy: str, *, reentrant: bool = False, wait: float = 0.0
) -> Iterator[None]:
    """Hold the lock file `file`, which guards `what`, for this process alone.

    The lock is the operating system's (`filelock`), which frees it when its process ends, however
    it ends: a file that is left behind locks nothing, and that it was is logged. With `reentrant`,
    several holders in one process share the lock. `wait`: seconds to wait for another to end, which
    is logged. Raises RunDirectoryError where it is held even so, in a sentence that names `what`,
    the process that holds it and the `remedy`, and where the file cannot be written.
    """
    from filelock import FileLock, Timeout

    process, holder = os.getpid(), file.with_name(f"{file.name}.json")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Where it cannot be made at all, a lock would only seem to be held.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o666))
        lock = FileLock(file, timeout=0, thread_local=False, is_singleton=reentrant)
        try:
            lock.acquire()
        except Timeout:
            if not wait:
                raise
            _log.warning(
                "%s is in use by %s: waiting up to %g s for it.", what, _holder(holder), wait
            )
            lock.acquire(timeout=wait)
    except Timeout:
        raise RunDirectoryError(f"{what} is in use by {_holder(holder)}: {remedy}.") from None
    except OSError as error:
        raise RunDirectoryError(sentence(file, error)) from error
    try:
        if lock.lock_counter == 1:
            _take_over(holder, what)
        yield
    finally:
        if os.getpid() == process:  # a forked child does not own what it inherited
            if lock.lock_counter == 1:
                holder.unlink(missing_ok=True)
            lock.release()


def _take_over(holder: Path, what: str) -> None:
    if holder.exists():
        _log.warning(
            "%s was locked by %s, which has ended without releasing it: the lock is taken over.",
            what,
            _holder(holder),
        )
    since = datetime.now(timezone.utc).isoformat(" ", "seconds")
    write_json(holder, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})


def _holder(file: Path) -> str:
    """The process that `file` names."""
    try:
        held = json.loads(file.read_bytes()[:_MOST])
        pid, host, since = int(held["pid"]), str(held["host"]), str(held["since"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"  # it has just taken, or just freed, the lock
    told = f"process {pid} on {host} since {since}"
    return "".join(c for c in told if c.isprintable())[:200]
