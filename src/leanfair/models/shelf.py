"""Where the tensors of a network are that is not in memory: in which file each is, and what of it
stays.

A cut needs no second set of weights: a network that was cut is the same files, with the indices of
what stays.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from leanfair.errors import InputError, RunDirectoryError, first_line
from leanfair.files import read_json, write_tensors

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
SCRATCH = ".saving-"
"""Begins the name of a folder that is left behind only by a kill."""


@dataclass(frozen=True)
class Entry:
    """A tensor in a file: its `key` there, `shape` and `dtype` as the network has them after what
    is `kept`, pairs (dimension, indices that stay), was taken out of it, one after the other.
    `adapted`: it is no longer what the first network had. `folder` lives as long as it is needed.
    """

    file: Path
    key: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    kept: tuple[tuple[int, Tensor], ...] = ()
    adapted: bool = False
    folder: Any = field(default=None, repr=False, compare=False)

    def load(self) -> Tensor:
        """The tensor. Raises RunDirectoryError where its file can no longer be read."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file, framework="pt") as opened:
                value: Tensor = opened.get_tensor(self.key)
        except (OSError, SafetensorError) as error:
            raise RunDirectoryError(
                f"{self.key} can no longer be read from {self.file}: {first_line(error)}."
            ) from error
        for dim, stay in self.kept:
            value = value.index_select(dim, stay)
        if tuple(value.shape) != self.shape:
            raise RunDirectoryError(
                f"{self.key} of {self.file} is {list(value.shape)}, not {list(self.shape)}: the "
                f"file was changed meanwhile."
            )
        return value.to(self.dtype)

    def without(self, dim: int, gone: Tensor) -> Entry:
        """What is left when the positions `gone` of a dimension go."""
        stays = torch.ones(self.shape[dim], dtype=torch.bool)
        stays[gone] = False
        stay = stays.nonzero().flatten()
        shape = (*self.shape[:dim], len(stay), *self.shape[dim + 1 :])
        return replace(self, shape=shape, kept=(*self.kept, (dim, stay)))


@dataclass(frozen=True)
class Shelf:
    """The tensors of a network by name. `scratch`: the folder under which what is adapted is
    kept."""

    entries: Mapping[str, Entry]
    scratch: Path | None = None
    _folders: list[Any] = field(default_factory=list, repr=False, compare=False)

    def __deepcopy__(self, memo: Any) -> Shelf:
        return self  # copies of a network read the same files

    def load(self, name: str) -> Tensor:
        """The tensor called `name`."""
        return self.entries[name].load()

    def adapt(self, changed: Mapping[str, Tensor]) -> Shelf:
        """This shelf with other values for some tensors, which are written to disk."""
        folder = _Folder(self.scratch)
        file = folder.path / "adapted.safetensors"
        write_tensors(file, changed)
        more = {
            name: Entry(file, name, tuple(value.shape), value.dtype, (), True, folder)
            for name, value in changed.items()
        }
        return replace(self, entries={**self.entries, **more})

    def adapted(self) -> dict[str, Entry]:
        """The tensors that are not what the first network had."""
        return {name: entry for name, entry in self.entries.items() if entry.adapted}

    def mapped(self, change: Callable[[str, Entry], tuple[str, Entry] | None]) -> Shelf:
        """This shelf with every tensor's name and entry changed; None leaves it out."""
        found = (change(name, entry) for name, entry in self.entries.items())
        return replace(self, entries=dict(pair for pair in found if pair is not None))


class _Folder:
    """A folder that goes when nothing refers to it any more."""

    def __init__(self, parent: Path | None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=parent))
        weakref.finalize(self, shutil.rmtree, self.path, True)


def stored(folder: Path) -> dict[str, Entry]:
    """The tensors in the safetensors files of a folder of transformers, by their names there.
    Raises InputError where there are none, or a file is missing or broken."""
    from safetensors import SafetensorError, safe_open

    found: dict[str, Entry] = {}
    for file, names in _files(folder).items():
        try:
            with safe_open(file, framework="pt") as opened:
                held = set(opened.keys())
                if lacking := sorted(set(names or held) - held):
                    raise InputError(f"{file} lacks {lacking[0]}, which {INDEX} says it holds.")
                for name in names or sorted(held):
                    part = opened.get_slice(name)
                    dtype = _dtype(file, name, part.get_dtype())
                    found[name] = Entry(file, name, tuple(part.get_shape()), dtype)
        except FileNotFoundError:
            raise InputError(f"There is no file {file}, which {INDEX} names.") from None
        except (OSError, SafetensorError) as error:
            raise InputError(f"{file} cannot be read: {first_line(error)}.") from error
    return found


def _files(folder: Path) -> dict[Path, list[str] | None]:
    """The files of weights in a folder, each with the names in it, where the index tells them."""
    if not (folder / INDEX).exists():
        if not (folder / SINGLE).exists():
            raise InputError(f"The folder {folder} holds no weights as safetensors.")
        return {folder / SINGLE: None}
    index = read_json(folder / INDEX, dict[str, Any])
    places = index.get("weight_map")
    if not isinstance(places, dict) or not all(
        isinstance(file, str) and Path(file).name == file for file in places.values()
    ):
        raise InputError(f"{folder / INDEX} does not say which file each tensor is in.")
    files: dict[Path, list[str] | None] = {}
    for name, file in places.items():
        names = files.setdefault(folder / file, [])
        assert names is not None
        names.append(name)
    return files


_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16
}  # fmt: skip


def _dtype(file: Path, name: str, told: str) -> torch.dtype:
    if told not in _DTYPES:
        raise InputError(
            f"{name} of {file} is {told}, which is no plain number: prune the full-precision model "
            f"first, then quantise it."
        )
    return _DTYPES[told]


def index_of(places: Mapping[str, str], total: int) -> bytes:
    """The index of shards: which file each tensor is in, and how many bytes there are in all."""
    content = {"metadata": {"total_size": total}, "weight_map": dict(places)}
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
