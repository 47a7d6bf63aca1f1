"""Named tensors as safetensors files, written one tensor after the other, so that a model is never
in memory twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from leanfair.errors import InputError, RunDirectoryError, first_line
from leanfair.files.writing import write_bytes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_KINDS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64",
    "int32": "I32", "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32",
    "uint16": "U16", "uint8": "U8", "bool": "BOOL", "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
}  # fmt: skip
"""What the format calls the types of torch."""


@dataclass(frozen=True)
class Later:
    """A tensor that is read only when it is written: its `shape`, its `dtype`, and how to get
    it."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    load: Callable[[], Tensor]


Held: TypeAlias = "Tensor | Later"


@dataclass(frozen=True)
class TensorFile:
    """A safetensors file of named tensors, and of `metadata`. Tensors that share memory are written
    once each."""

    tensors: Mapping[str, Held]
    metadata: Mapping[str, str] | None = None

    def chunks(self) -> Iterator[Any]:
        """The content, piece by piece: a header, then each tensor. Raises InputError for a type of
        numbers that the format has not."""
        import torch

        order = sorted(self.tensors, key=lambda name: (-self.tensors[name].dtype.itemsize, name))
        header: dict[str, Any] = {} if not self.metadata else {"__metadata__": {**self.metadata}}
        end = 0
        for name in order:
            begin, end = end, end + size_of(self.tensors[name])
            header[name] = {
                "dtype": _kind(name, self.tensors[name].dtype),
                "shape": list(self.tensors[name].shape),
                "data_offsets": [begin, end],
            }
        told = json.dumps(header, separators=(",", ":")).encode()
        told += b" " * (-len(told) % 8)
        yield len(told).to_bytes(8, "little") + told
        for name in order:
            held = self.tensors[name]
            value = held.load() if isinstance(held, Later) else held
            if tuple(value.shape) != tuple(held.shape) or value.dtype != held.dtype:
                raise InputError(
                    f"{name} is {value.dtype} {list(value.shape)}, not {held.dtype} "
                    f"{list(held.shape)}: the file it is read from was changed meanwhile."
                )
            whole = value.detach().cpu().contiguous().flatten()
            yield whole.view(torch.uint8).numpy().data


def size_of(held: Held) -> int:
    """Bytes of a tensor."""
    count = 1
    for length in held.shape:
        count *= length
    return count * held.dtype.itemsize


def write_tensors(path: Path, tensors: Mapping[str, Held]) -> Path:
    """Write named tensors as safetensors, whole or not at all. Raises what `write_bytes` raises."""
    return write_bytes(path, TensorFile(tensors))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name. Raises RunDirectoryError where it is missing or
    broken."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except FileNotFoundError:
        raise RunDirectoryError(f"There is no file {path}.") from None
    except (OSError, SafetensorError, UnicodeError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {first_line(error)}.") from error
    return tensors


def _kind(name: str, dtype: torch.dtype) -> str:
    known = _KINDS.get(str(dtype).removeprefix("torch."))
    if known is None:
        raise InputError(f"{name} is {dtype}, which safetensors files cannot hold.")
    return known
