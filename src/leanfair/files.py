"""Files that are written whole or not at all, and the lock that keeps two writers apart."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from leanfair.errors import RunDirectoryError

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_bytes(path: Path, content: bytes) -> Path:
    """Write `content` to `path` in one piece, or not at all: a reader, or a killed writer, never
    leaves half a file. Raises RunDirectoryError where it cannot be written, as on a full disk."""
    temporary = path.with_name(f".{uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunDirectoryError(_sentence(path, error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` for text in UTF-8."""
    return write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> Path:
    """`write_bytes` for JSON; numbers that are not finite are refused, as JSON has none."""
    return write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises RunDirectoryError where it is missing or broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunDirectoryError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    """Write named tensors as safetensors. Tensors that share memory are written once each."""
    from safetensors.torch import save

    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return write_bytes(path, save(own))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name. Raises RunDirectoryError where it is missing or
    broken."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except FileNotFoundError:
        raise RunDirectoryError(f"There is no file {path}.") from None
    except (OSError, SafetensorError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from error
    return tensors


@contextmanager
def locked(file: Path, what: str, remedy: str, *, reentrant: bool = False) -> Iterator[None]:
    """Hold the lock file `file`, which guards `what`, for this process alone.

    The lock is the operating system's (`filelock`), which frees it when its process ends, however
    it ends: a file that is left behind locks nothing. With `reentrant`, several holders in one
    process share the lock. Raises RunDirectoryError where it is held, in a sentence that names
    `what`, the process that holds it and the `remedy`, and where the file cannot be written.
    """
    from filelock import FileLock, Timeout

    process, holder = os.getpid(), file.with_name(f"{file.name}.json")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, timeout=0, thread_local=False, is_singleton=reentrant)
        lock.acquire()
    except Timeout:
        raise RunDirectoryError(f"{what} is in use by {_holder(holder)}: {remedy}.") from None
    except OSError as error:
        raise RunDirectoryError(_sentence(file, error)) from error
    try:
        if lock.lock_counter == 1:
            _take_over(holder)
        yield
    finally:
        if os.getpid() == process:  # a forked child does not own what it inherited
            if lock.lock_counter == 1:
                holder.unlink(missing_ok=True)
            lock.release()


def _take_over(holder: Path) -> None:
    if holder.exists():
        _log.debug("%s: %s ended without releasing its lock.", holder.parent, _holder(holder))
    since = datetime.now(timezone.utc).isoformat(" ", "seconds")
    write_json(holder, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})


def _holder(file: Path) -> str:
    """The process that `file` names."""
    try:
        held = read_json(file)
        return f"process {held['pid']} on {held['host']} since {held['since']}"
    except (RunDirectoryError, KeyError, TypeError):  # it has just taken, or just freed, the lock
        return "another process"


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"The disk is full: {path} was not written. What was written before is intact; "
            f"make room and resume."
        )
    return f"{path} cannot be written: {error.strerror or error}."
