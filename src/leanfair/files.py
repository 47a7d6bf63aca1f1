"""Writing files so that nothing is lost: to a temporary name first, then moved into place."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from leanfair.errors import RunDirectoryError

if TYPE_CHECKING:
    from torch import Tensor

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


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"The disk is full: {path} was not written. What was written before is intact; "
            f"make room and resume."
        )
    return f"{path} cannot be written: {error.strerror or error}."
