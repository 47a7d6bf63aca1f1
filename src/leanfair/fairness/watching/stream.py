"""Lines of a file that grows, each once: those of a record, or of any table of JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanfair.errors import InputError


@dataclass(frozen=True)
class Served:
    """What counts of a decision. `flipped`: whether another value of the attribute would have been
    decided otherwise, None where nothing was compared."""

    label: str | None
    status: str
    flipped: bool | None
    group: str | None


class Stream:
    """The decisions in the file `path`; `group` is the key that tells whose they are.

    A line that is not whole yet is read once it is. One that is none is counted in `broken`. Where
    the file is replaced, or cut, the new one is read from its start.
    """

    def __init__(self, path: str | os.PathLike[str], group: str) -> None:
        self.path, self.group = Path(path), group
        self.broken = 0
        self._at, self._file = 0, 0
        if not self.path.is_file():
            raise InputError(f"There is no record {path} to watch: name the file of --record.")

    def news(self) -> Iterator[Served]:
        """The decisions that came since. Raises InputError for a file of something else."""
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                if about.st_ino != self._file or about.st_size < self._at:
                    self._file, self._at = about.st_ino, 0
                file.seek(self._at)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._at += len(line)
                    if line.strip() and (found := self._read(line)) is not None:
                        yield found
        except FileNotFoundError:  # between two files: the next look finds the new one
            return
        except OSError as error:
            raise InputError(f"The record {self.path} cannot be read: {error.strerror}.") from error

    def _read(self, line: bytes) -> Served | None:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, Mapping):
            self.broken += 1
            return None
        if "key" in row and "answer" in row:
            raise InputError(
                f"{self.path} is a store of answers, which does not tell what was decided about "
                f"whom: watch the file of --record."
            )
        found = _served(row, self.group)
        self.broken += found is None
        return found


def _served(row: Mapping[str, Any], group: str) -> Served | None:
    label, status, flipped = row.get("decision"), row.get("status"), row.get("flipped")
    if isinstance(flipped, str):  # as tables of text have it
        flipped = {"true": True, "false": False, "": None}.get(flipped.casefold(), "?")
    is_one = isinstance(status, str) and (label is None or isinstance(label, str))
    if not is_one or flipped not in (True, False, None):
        return None
    told = row.get(group)
    return Served(label, str(status), flipped, None if told in (None, "") else str(told))
