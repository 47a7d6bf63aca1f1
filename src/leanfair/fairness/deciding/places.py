"""The partitions of a table, on this machine or wherever fsspec reaches: listed, read and put."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from leanfair.errors import InputError, MissingDependencyError


def is_remote(place: str) -> bool:
    """Whether a place is reached by fsspec, as s3://bucket/people is."""
    return "://" in place


def listed(pattern: str) -> list[str]:
    """The files that a pattern, as of a shell, names; `**` goes into folders. In a fixed order.
    Raises InputError where there is none."""
    if is_remote(pattern):
        system, path = _system(pattern)
        found = [system.unstrip_protocol(one) for one in system.glob(path)]
    else:
        found = [one for one in glob.glob(pattern, recursive=True) if os.path.isfile(one)]
    if not found:
        raise InputError(f"There is no table {pattern}: give a pattern such as 'people/*.parquet'.")
    return sorted(found)


def names_of(places: list[str]) -> list[str]:
    """What each of some files is called below the folder that all of them are in: two of one name
    in two folders stay two."""
    if len(places) == 1:
        return [places[0].rpartition("/")[2]]
    parents = [place.rpartition("/")[0] for place in places]
    common = _common(parents)
    return [place[len(common) :].lstrip("/") for place in places]


def joined(folder: str, name: str) -> str:
    """The place of that name in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def exists(place: str) -> bool:
    """Whether there is a file."""
    if not is_remote(place):
        return os.path.isfile(place)
    system, path = _system(place)
    return bool(system.isfile(path))


def size_of(place: str) -> int:
    """The bytes of a file."""
    if not is_remote(place):
        return os.path.getsize(place)
    system, path = _system(place)
    return int(system.size(path))


@contextmanager
def opened(place: str) -> Iterator[Any]:
    """A file, open for reading bytes."""
    if not is_remote(place):
        with open(place, "rb") as file:
            yield file
        return
    system, path = _system(place)
    with system.open(path, "rb") as file:
        yield file


@contextmanager
def here(place: str) -> Iterator[Path]:
    """A file as one of this machine: itself, or a copy for as long as this lasts."""
    if not is_remote(place):
        yield Path(place)
        return
    system, path = _system(place)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PurePosixPath(path).name
        system.get_file(path, str(copy))
        yield copy


@contextmanager
def becoming(place: str) -> Iterator[Path]:
    """Where to write what is to become the file `place`: itself, which has to be written in one
    piece, or a file of this machine that is put there under another name, and then moved."""
    if not is_remote(place):
        yield Path(place)
        return
    system, path = _system(place)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / PurePosixPath(path).name
        yield made
        parent, name = path.rpartition("/")[::2]
        unfinished = f"{parent}/.{name}-{uuid4().hex[:8]}.part"
        system.makedirs(parent, exist_ok=True)
        system.put_file(str(made), unfinished)
        system.mv(unfinished, path)


def removed(place: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _common(parents: list[str]) -> str:
    """The folder that all of some remote folders are in."""
    split = [parent.split("/") for parent in parents]
    shared = 0
    while all(len(one) > shared and one[shared] == split[0][shared] for one in split):
        shared += 1
    return "/".join(split[0][:shared])


def _system(place: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise MissingDependencyError(
            f"{place} is not on this machine: pip install 'leanfair[ray]' to reach it."
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise InputError(f"{place} cannot be reached: {error}.") from error
    return system, path


def removed_if_empty(folder: str) -> None:
    """Remove a folder of this machine in which there is no file."""
    if not any(path.is_file() and path.suffix == ".jsonl" for path in Path(folder).rglob("*")):
        removed(Path(folder))
