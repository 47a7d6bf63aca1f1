"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias
from uuid import uuid4

from leanfair.errors import RunDirectoryError


class Chunked(Protocol):
    """Content that comes piece by piece, the same each time."""

    def chunks(self) -> Iterator[Any]:
        """Its pieces, in order: bytes, or views of them."""


Content: TypeAlias = "bytes | Chunked"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OF_NETWORKS = (ConnectionError, TimeoutError)
_BLOCK = 1 << 22
_ABANDONED = 86_400.0
"""Seconds after which what another machine began to write is taken for left behind."""


def pieces(content: Content) -> Iterator[Any]:
    """`content`, piece by piece."""
    return iter([content]) if isinstance(content, bytes) else content.chunks()


def content_hash(content: Content) -> str:
    """The SHA-256 of what a file of this content holds."""
    digest = hashlib.sha256()
    for piece in pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def write_bytes(path: Path, content: Content, *, private: bool = False) -> Path:
    """Write `content` to `path` in one piece, or not at all: see `writing`."""
    with writing(path, private=private) as file:
        for piece in pieces(content):
            file.write(piece)
    return path


@contextmanager
def writing(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, which is at `path` once this has ended well, and else nowhere: a reader, or
    a killed writer, never leaves half a file. What is replaced hands on its mode and, where that is
    allowed, its owner; a link stays one, to the new content. With `private`, a new file is its
    owner's alone (0600). Raises RunDirectoryError where it cannot be written, as on a full disk, or
    over a device."""
    place = Path(os.path.realpath(path)) if os.path.islink(path) else path
    temporary = unfinished(place)
    elsewhere = False
    try:
        was = _replaced(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        sweep(place)
        with open(os.open(temporary, _NEW, 0o600 if private else 0o666), "wb") as file:
            try:
                yield file
            except OSError as error:  # of what is written, unless it names another place
                elsewhere = error.filename is not None or isinstance(error, _OF_NETWORKS)
                raise
            file.flush()
            os.fsync(file.fileno())
        if was is not None:
            _hand_on(was, temporary)
        os.replace(temporary, place)
    except OSError as error:
        if elsewhere or isinstance(error, RunDirectoryError):
            raise
        raise RunDirectoryError(sentence(path, error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def unfinished(path: Path) -> Path:
    """A name for what is to become `path` and is not whole yet, which says who writes it."""
    return path.with_name(f".{_mark(path)}-{_here()}-{os.getpid()}-{uuid4().hex[:8]}.part")


def sweep(path: Path) -> None:
    """Remove what writers of the file or folder `path` that were killed left beside it."""
    for part in path.parent.glob(f".{_mark(path)}-*.part"):
        with suppress(OSError, ValueError):
            _, host, process, _ = part.name.removeprefix(".").split("-")
            ended = host == _here() and not _is_alive(int(process))
            if ended or time.time() - part.stat().st_mtime > _ABANDONED:
                shutil.rmtree(part) if part.is_dir() else part.unlink()


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` for text in UTF-8."""
    return write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> Path:
    """`write_bytes` for JSON; numbers that are not finite are refused, as JSON has none."""
    return write_bytes(path, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """JSON as files hold it. Raises ValueError for numbers that are not finite."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's content. Raises RunDirectoryError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        raise RunDirectoryError(f"There is no file {path}.") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def is_same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether both name one place, by whatever links."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there, so that names have to tell
        return os.path.realpath(one) == os.path.realpath(other)


def _mark(path: Path) -> str:
    """What tells the unfinished files of one path from those of another."""
    return hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _here() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    """Whether there is such a process on this machine, as far as can be known."""
    if os.name == "nt":  # a signal would end it there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _replaced(place: Path) -> os.stat_result | None:
    """What `place` is now. Raises RunDirectoryError for a device, which must not be replaced."""
    try:
        found = os.stat(place)
    except OSError:  # whatever is wrong with it, writing will tell
        return None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise RunDirectoryError(f"{place} cannot be written: it is a device, not a file.")
    return found


def _hand_on(was: os.stat_result, temporary: Path) -> None:
    os.chmod(temporary, stat.S_IMODE(was.st_mode))
    now = os.stat(temporary)
    if (now.st_uid, now.st_gid) != (was.st_uid, was.st_gid):
        with suppress(OSError, AttributeError):  # only some may give files away
            os.chown(temporary, was.st_uid, was.st_gid)
            os.chmod(temporary, stat.S_IMODE(was.st_mode))


def sentence(path: Path, error: OSError) -> str:
    """Why `path` was not written, in a sentence."""
    if error.errno in _FULL:
        return (
            f"The disk is full: {path} was not written. What was written before is intact; "
            f"make room and resume."
        )
    return f"{path} cannot be written: {error.strerror or error}."
