"""Where in a store of answers each of them stands, so that a large one opens at once.

An index is a SQLite file beside the store's file, `.NAME.index`, and holds nothing that the store
does not: for the SHA-256 of each key, where the line of its latest answer starts and how long it
is; what the judges said of themselves; and up to which byte the store is indexed. It may be removed
at any time, and is made again. Several processes may use one: what each adds follows from the store
alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanfair.errors import RunDirectoryError

_log = logging.getLogger(__name__)

_FORMAT = 1
_PATIENCE = 60.0
"""Seconds to wait for another process that adds to the index."""
_TAIL = 4096
"""Bytes before the end of what is indexed by which a store is known again."""
_AT_ONCE = 500
"""Keys that are asked for together; SQLite takes 999 values in its oldest versions."""
_CACHE = 16 << 10
"""KiB of the index that are held in memory at most."""

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judges (said TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""
_ADD = """
INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE
SET start = excluded.start, length = excluded.length WHERE excluded.start > answers.start
"""

Place = tuple[int, int]
"""Where a line starts, and how many bytes it has."""


def index_path(store: Path) -> Path:
    """Where the index of a store's file is."""
    return store.with_name(f".{store.name}.index")


class Index:
    """The index of the store's file `store`; None for one of a file that has no name, whose index
    has none either.

    One that is damaged, or of another file, is made anew, which is told in the log; where none can
    be written, there is one that ends with the process.
    """

    def __init__(self, store: Path | None) -> None:
        self._store = store
        self._path = None if store is None else index_path(store)
        try:
            self._open(self._path)
        except sqlite3.OperationalError:  # a folder that may not be written
            self._open(None)
        except sqlite3.DatabaseError:
            self._anew("is damaged")
        if not self._is_of_store():
            self._anew("is not of this file")

    @property
    def read_to(self) -> int:
        """Up to which byte of the store all lines are indexed."""
        return int(self._fact("read to") or 0)

    @property
    def judges(self) -> list[Mapping[str, Any]]:
        """What the judges said of themselves."""
        found = self._base.execute("SELECT said FROM judges ORDER BY rowid")
        return [json.loads(said) for (said,) in found]

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM answers").fetchone()[0])

    def find(self, keys: Sequence[str]) -> dict[str, Place]:
        """Where the answers under those of `keys` stand that there are."""
        found: dict[str, Place] = {}
        for first in range(0, len(keys), _AT_ONCE):
            some = {_short(key): key for key in keys[first : first + _AT_ONCE]}
            marks = ",".join("?" * len(some))
            query = f"SELECT key, start, length FROM answers WHERE key IN ({marks})"
            try:
                rows = self._base.execute(query, list(some)).fetchall()
            except sqlite3.Error as error:
                raise self._told(error) from error
            found.update({some[key]: (start, length) for key, start, length in rows})
        return found

    def add(
        self,
        places: Iterable[tuple[str, Place]],
        judges: Iterable[Mapping[str, Any]],
        read_to: int,
        tail: bytes,
    ) -> None:
        """Take answers and judges that are not here yet, all of the store up to the byte `read_to`.
        `tail`: what stands just before it."""
        said = [(json.dumps(judge, sort_keys=True),) for judge in judges]
        rows = [(_short(key), *place) for key, place in places]
        try:
            with self._base:
                self._base.execute("BEGIN IMMEDIATE")
                self._base.executemany(_ADD, rows)
                self._base.executemany("INSERT OR IGNORE INTO judges VALUES (?)", said)
                if read_to > self.read_to:
                    facts = {"read to": read_to, "tail": _hash(tail[-_TAIL:]), "format": _FORMAT}
                    self._base.executemany(
                        "INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items()
                    )
        except sqlite3.Error as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _open(self, path: Path | None) -> None:
        name = "" if path is None else str(path)
        self._base = sqlite3.connect(
            name, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        for pragma in (f"cache_size = -{_CACHE}", "synchronous = OFF", "temp_store = FILE"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(_TABLES)
        if self._base.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check")
        if path is not None:
            path.chmod(0o600)

    def _anew(self, why: str) -> None:
        _log.warning("The index %s %s: it is made anew from the store.", self._path, why)
        self._base.close()
        if self._path is not None:
            for file in (self._path, self._path.with_name(f"{self._path.name}-journal")):
                file.unlink(missing_ok=True)
        self._open(self._path)

    def _is_of_store(self) -> bool:
        """Whether what is indexed is what the store begins with, by its end."""
        read_to = self.read_to
        if self._store is None or not read_to:
            return True
        if self._fact("format") != _FORMAT:
            return False
        return str(self._fact("tail")) == _hash(tail_of(self._store, read_to))

    def _told(self, error: sqlite3.Error) -> RunDirectoryError:
        return RunDirectoryError(
            f"The index {self._path or 'of the answers'} cannot be used ({error}): make sure that "
            f"there is room, or remove it; it is made anew from the store, which is intact."
        )

    def _fact(self, name: str) -> Any:
        found = self._base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if found is None else found[0]


def tail_of(file: Path, stop: int) -> bytes:
    """What stands in a file just before the byte `stop`."""
    with file.open("rb") as content:
        content.seek(max(0, stop - _TAIL))
        return content.read(min(stop, _TAIL))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(key: str) -> bytes:
    """A key as it is indexed: 16 bytes of its hash. The line itself tells the whole key."""
    return hashlib.sha256(key.encode()).digest()[:16]
