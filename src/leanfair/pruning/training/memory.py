"""Memory that training keeps from step to step, instead of asking the system for it again.

A step frees what it has allocated, and glibc gives the top of the heap back to the system, which
hands it out again page by page, each cleared: a tenth of a step on a CPU. Nothing is computed
otherwise.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

MMAP_THRESHOLD = 32 * 2**20
"""Bytes up to which memory comes from the heap; the most that glibc allows, and what its own
adjusting ends at."""
TRIM_THRESHOLD = 2 * MMAP_THRESHOLD
"""Free bytes at the top of the heap from which on they are given back: what glibc's own adjusting
ends at, too."""
NEVER = -1
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""The names of both in malloc.h."""
_USERS_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@contextmanager
def kept_memory() -> Iterator[None]:
    """Have this process keep what it frees; at the end it is given back.

    Does nothing without glibc, and where the user has set its allocator.
    """
    glibc = None if any(name in os.environ for name in _USERS_OWN) else _glibc()
    if glibc is None:
        yield
        return
    glibc.mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
    glibc.mallopt(_M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        glibc.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, where it is glibc."""
    try:
        found = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: on Windows a library has to be named
        return None
    known = all(hasattr(found, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return found if known else None
