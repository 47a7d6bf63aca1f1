"""A folder that says what it is: which command of leanfair made it, and what each file held when it
was written.

That stands in the file `leanfair.json`. A folder without it is somebody else's: nothing in it is
replaced. Before a file is written, the hash of what it will hold is noted beside that of what it
holds, so that a writer that is killed in between leaves a file that is known either way. A file
whose hash is not noted was damaged, or put there by others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from typing_extensions import TypedDict

from leanfair.errors import RunDirectoryError
from leanfair.files.checked_json import parsed_file, read_bytes, read_json
from leanfair.files.writing import Content, content_hash, file_hash, write_bytes, write_json
from leanfair.version import __version__

NAME = "leanfair.json"
FORMAT = 1

Purpose = Literal["prune", "audit", "compare"]
NAMES: Mapping[Purpose, str] = {
    "prune": "pruning run", "audit": "audit", "compare": "comparison"
}  # fmt: skip


class FolderEntry(TypedDict):
    """`leanfair.json`: what a folder is, and what its files hold."""

    kind: Literal["prune", "audit", "compare"]
    """Which command made it."""
    format: int
    """Version of this format."""
    leanfair: str
    """Version of the library that made it."""
    created: str
    """When: ISO 8601, in UTC."""
    files: dict[str, list[str]]
    """The SHA-256 of the content of each file that is read again; a second one where a writer was
    killed between noting a new content and writing it."""


def check_own(folder: Path, kind: Purpose, written: Iterable[str]) -> None:
    """Raise RunDirectoryError where `folder` is no place for a run of `kind`, whose files have
    names like those `written` (patterns as of a shell): it is a file, was made for something else,
    or holds such a file without having been made by leanfair."""
    if folder.exists() and not folder.is_dir():
        raise RunDirectoryError(f"{folder} is a file: choose a directory for the run.")
    if (folder / NAME).exists():
        made = _entry(folder)["kind"]
        if made != kind:
            raise RunDirectoryError(
                f"{folder} is the directory of {_a(made)}, not of {_a(kind)}: choose another one."
            )
        return
    others = _others(folder, written)
    if others:
        raise RunDirectoryError(
            f"{folder} holds files that leanfair did not write ({', '.join(others[:3])}"
            f"{', ...' if len(others) > 3 else ''}): choose another directory, or a new one."
        )


def claim(folder: Path, kind: Purpose, written: Iterable[str]) -> None:
    """Write down that `folder` is made for a run of `kind`, where that is not done. Files like
    those `written` that are there, as of a run by a version that noted none, are taken as they
    are."""
    if (folder / NAME).exists():
        return
    files = {name: [file_hash(folder / name)] for name in _others(folder, written)}
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    entry = FolderEntry(kind=kind, format=FORMAT, leanfair=__version__, created=now, files=files)
    write_json(folder / NAME, entry)


def put(folder: Path, contents: Mapping[str, Content]) -> None:
    """Write files into a folder that is claimed, in this order, each whole or not at all."""
    expect(folder, {name: content_hash(content) for name, content in contents.items()})
    for name, content in contents.items():
        write_bytes(folder / name, content)


def expect(folder: Path, hashes: Mapping[str, str]) -> None:
    """Note what files of a folder that is claimed are about to hold. Raises RunDirectoryError where
    there is such a file already that leanfair did not write."""
    entry = _entry(folder)
    for name in hashes:
        if name not in entry["files"] and (folder / name).exists():
            raise RunDirectoryError(
                f"{folder / name} is a file that leanfair did not write: move it away, then go on."
            )
    files = {name: known for name, known in entry["files"].items() if (folder / name).exists()}
    for name, new in hashes.items():
        known = files.get(name, [])
        if len(known) > 1:  # a writer was killed: which of them is it?
            known = [file_hash(folder / name)]
        files[name] = list(dict.fromkeys([*known, new]))
    _write(folder, entry, files)


def may_put(folder: Path, name: str) -> bool:
    """Whether `put` would replace nothing of somebody else's: there is no such file, or it is what
    leanfair wrote there last, unchanged."""
    file = folder / name
    if not file.exists() and not file.is_symlink():
        return True
    if not (folder / NAME).exists() or not file.is_file():
        return False
    return file_hash(file) in _entry(folder)["files"].get(name, [])


def settle(folder: Path) -> None:
    """Note that all files hold what was written last."""
    entry = _entry(folder)
    files = entry["files"].items()
    _write(folder, entry, {n: known[-1:] for n, known in files if (folder / n).exists()})


def verify(folder: Path, name: str) -> None:
    """Raise RunDirectoryError where a file of the folder is not what was written there. Nothing is
    known of a folder that an earlier version made."""
    if (folder / NAME).exists():
        _compare(folder, name, file_hash(folder / name))


def read_own(folder: Path, name: str, kind: Any) -> Any:
    """The content of a JSON file of the folder, which is of the type `kind`. Raises
    RunDirectoryError where it is missing, damaged, or not what was written there."""
    content = read_bytes(folder / name)
    found = parsed_file(folder / name, content, kind)
    if (folder / NAME).exists():
        _compare(folder, name, sha256(content).hexdigest())
    return found


def _compare(folder: Path, name: str, found: str) -> None:
    if found not in _entry(folder)["files"].get(name, []):
        raise RunDirectoryError(
            f"{folder / name} is not what leanfair wrote there: it was damaged or replaced. Bring "
            f"it back from a copy, or run again in another directory."
        )


def _entry(folder: Path) -> FolderEntry:
    entry: FolderEntry = read_json(folder / NAME, FolderEntry)
    if entry["format"] != FORMAT:
        raise RunDirectoryError(
            f"{folder} was made by leanfair {entry['leanfair'][:20]}, which this version cannot "
            f"read: use that one."
        )
    return entry


def _write(folder: Path, entry: FolderEntry, files: Mapping[str, list[str]]) -> None:
    if files != entry["files"]:
        write_json(folder / NAME, {**entry, "files": dict(files)})


def _others(folder: Path, written: Iterable[str]) -> list[str]:
    if not folder.is_dir():
        return []
    patterns = [NAME, *written]
    found = (path.name for path in folder.iterdir() if path.is_file())
    there = sorted(name for name in found if not name.startswith("."))
    return [name for name in there if any(fnmatchcase(name.lower(), each) for each in patterns)]


def _a(kind: Purpose) -> str:
    name = NAMES[kind]
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
