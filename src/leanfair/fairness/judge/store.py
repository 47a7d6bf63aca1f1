"""Answers written down as they come, so that a killed run resumes and pays nothing twice.

A store is a file of JSON lines that only grows. A line holds an answer under a key made of all that
it depends on (the model and its revision, the prompt in full, the options and their forms); other
lines say which judges wrote here. A line that a kill cut short, or that is otherwise none of these,
is passed over and counted: what it said is asked again. A file in which no line is one of these is
somebody else's, and is never written to.

Any number of processes may read a store, but one at a time may add to it, so that none pays for
what another is paying for: the first addition locks the file until the store is closed.

A store of many answers has an index beside it (see `storing.index`), made when it is first needed.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.judge.storing.index import Index, Place, index_path, tail_of
from leanfair.fairness.judge.storing.lines import answer_of, judge_of, line_of, name_of, parsed_line
from leanfair.fairness.types import Answer
from leanfair.files.locks import locked

_log = logging.getLogger(__name__)

FILE = "answers.jsonl"


class Store:
    """Answers by key, in a file where there is one. Few are held in memory: of a long file an index
    tells where each stands (see `index`).

    `path`: a file, or a folder, in which the file is then "answers.jsonl"; None for a file without
    a name, which is there once the answers are many, and gone with the store. `wait`: seconds to
    wait for another process that adds to the file.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, wait: float = 0.0) -> None:
        self._wait = wait
        self.path = None if path is None else _file(Path(path))
        self.judges: dict[str, Mapping[str, Any]] = {}
        """What the judges that wrote here said of themselves, by the hash of that."""
        self._recent: dict[str, tuple[Answer, Place]] = {}
        """The answers that the index does not have, and where they stand."""
        self._forgotten: set[str] = set()
        """Keys whose answers are about other options, and are asked again."""
        self._index: Index | None = None
        self._file: int | None = None
        self._lock: ExitStack | None = None
        self._read_to = 0
        """How many bytes of the file are known here: whole lines from its beginning."""
        if self.path is not None and self.path.exists():
            self._open_index(self.path)
            self._read(self.path)

    def __len__(self) -> int:
        if self._index is None:
            return len(self._recent)
        return len(self._index) + len(self._recent.keys() - self._index.find([*self._recent]))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> Answer | None:
        """The answer under `key`, None where there is none."""
        return self.find([key]).get(key)

    def find(self, keys: Sequence[str], options: Sequence[str] | None = None) -> dict[str, Answer]:
        """The answers under those of `keys` that there are. With `options`, an answer that is about
        others, which no judge wrote, is forgotten: it is asked again."""
        wanted = dict.fromkeys(keys)
        found = {key: self._recent[key][0] for key in wanted if key in self._recent}
        if self._index is not None:
            rest = [key for key in wanted if key not in found and key not in self._forgotten]
            found.update(self._at(self._index.find(rest)))
        if options is None:
            return found
        names = {*options}
        for key in [k for k, a in found.items() if a.probabilities and {*a.probabilities} != names]:
            del found[key]
            self._recent.pop(key, None)
            self._forgotten.add(key)
        return found

    def drop_misfits(self, keys: Iterable[str], names: Sequence[str]) -> None:
        """Forget the answers under `keys` that are not about the options `names`, which no judge
        wrote: they are asked again."""
        self.find([*keys], names)

    def add(self, key: str, answer: Answer, *, new: bool = False) -> None:
        """Write `answer` down. One that failed is kept nowhere, so that it is asked again. `new`:
        the caller has not found the key since it reserved the store, so that it is not here."""
        if answer.status == "failed" or key in self._recent:
            return
        if self._index is not None and not new and key in self:
            return
        self._forgotten.discard(key)
        place = self._append(line_of(key, answer))
        self._recent[key] = (answer, place)
        if len(self._recent) >= MOST_IN_MEMORY:
            self._spill()

    def trim(self, most: int) -> None:
        """Forget the oldest answers of a store without a file, where there are more than `most`.
        What a file holds stays known, so that it is not paid twice."""
        if self.path is None and len(self) > most:
            self._drop_unnamed()
            for key in list(islice(self._recent, max(0, len(self._recent) - most))):
                del self._recent[key]

    def introduce(self, judge: Mapping[str, Any]) -> None:
        """Write down which judge writes here; once for each."""
        name = name_of(judge)
        if name not in self.judges:
            self.judges[name] = judge
            self._append(json.dumps({"judge": judge}, allow_nan=False))

    def reserve(self) -> bool:
        """Lock the file for this process and read what was added to it since; to be called before
        answers are paid for. Whether anything was. Raises RunDirectoryError where another process
        adds to it."""
        if self.path is None:
            return False
        if self._lock is None:
            lock = ExitStack()
            lock.enter_context(
                locked(
                    self.path.with_name(f".{self.path.name}.lock"),
                    f"The store {self.path}",
                    "wait until it ends, or name another store",
                    reentrant=True,
                    wait=self._wait,
                )
            )
            self._lock = lock
        if self.path.exists() and self.path.stat().st_size > self._read_to:
            self._read(self.path)
            return True
        return False

    def close(self) -> None:
        """Close the file and release its lock; the next addition takes both again."""
        if self.path is not None and self._file is not None:
            os.close(self._file)
            self._file = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __del__(self) -> None:
        self.close()
        self._drop_unnamed()

    def _drop_unnamed(self) -> None:
        """Close the index, and a file without a name: what is in it is gone."""
        if self._index is not None:
            self._index.close()
        if self._file is not None:
            os.close(self._file)
        self._index, self._file, self._read_to = None, None, 0

    # ---- writing ------------------------------------------------------------------------------

    def _append(self, line: str) -> Place:
        """Write a line; where it stands. Without a file it stands nowhere."""
        if self.path is None:
            return _NOWHERE
        content = f"{line}\n".encode()
        if self._lock is None:
            self.reserve()
        try:
            if self._file is None:
                self._file = _opened(self.path)
            # One write for one line, so that several stores in this process do not mix theirs.
            written = os.write(self._file, content)
            stop = os.lseek(self._file, 0, os.SEEK_CUR)
        except OSError as error:
            raise RunDirectoryError(
                f"The store {self.path} cannot be written: {error.strerror or error}; the answers "
                f"written before are intact."
            ) from error
        if written < len(content):
            self.close()
            no_room = f"The disk is full: the store {self.path} has no room for another answer"
            raise RunDirectoryError(f"{no_room}; make room and run again.")
        if stop - written == self._read_to:  # else somebody wrote in between, who is read first
            self._read_to = stop
        return stop - written, written

    def _spill(self) -> None:
        """Hand the answers in memory over to the index."""
        if self.path is None and self._file is None:
            self._file = _unnamed()
        places = []
        if self.path is None and self._file is not None:
            os.lseek(self._file, self._read_to, os.SEEK_SET)
        for key, (answer, place) in self._recent.items():
            if self.path is None and self._file is not None:
                content = f"{line_of(key, answer)}\n".encode()
                place = (self._read_to, os.write(self._file, content))
                self._read_to += place[1]
            places.append((key, place))
        if self._index is None:
            self._index = Index(self.path)
        tail = b"" if self.path is None else tail_of(self.path, self._read_to)
        self._index.add(places, self.judges.values(), self._read_to, tail)
        self._recent.clear()

    # ---- reading ------------------------------------------------------------------------------

    def _open_index(self, path: Path) -> None:
        if index_path(path).exists():
            self._index = Index(path)
            self._read_to = self._index.read_to
            self.judges = {name_of(judge): judge for judge in self._index.judges}

    def _at(self, places: Mapping[str, Place]) -> dict[str, Answer]:
        """The answers at these places of the file. Where one is not what the index says, the line
        was damaged since, and is passed over."""
        found = {}
        lost = 0
        with self._reading() as file:
            for key, (start, length) in sorted(places.items(), key=lambda pair: pair[1]):
                answer = answer_of(parsed_line(_content(file, start, length)), key)
                if answer is None:
                    lost += 1
                    self._forgotten.add(key)
                else:
                    found[key] = answer
        if lost:
            _log.warning(
                "%d lines of the store %s cannot be read: what they said is asked again.",
                lost, self.path,
            )  # fmt: skip
        return found

    @contextmanager
    def _reading(self) -> Iterator[int]:
        if self._file is not None:
            yield self._file
            return
        assert self.path is not None
        try:
            file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise RunDirectoryError(f"The store {self.path} cannot be read: {error}.") from error
        try:
            yield file
        finally:
            os.close(file)

    def _read(self, path: Path) -> None:
        """Read the lines that are not known yet; the last, if it is not whole, again next time."""
        first = self._read_to
        lines = understood = broken = 0
        begun = False
        try:
            with path.open("rb") as file:
                file.seek(first)
                for line in file:
                    lines += 1
                    is_good = self._take(line, self._read_to)
                    understood += is_good
                    broken += bool(line.strip()) and not is_good
                    begun = lines == 1 and any(line.startswith(h[: len(line)]) for h in _HEADS)
                    if line.endswith(b"\n"):
                        self._read_to += len(line)
                    if len(self._recent) >= MOST_IN_MEMORY:
                        self._spill()
        except OSError as error:
            raise RunDirectoryError(f"The store {path} cannot be read: {error}.") from error
        if first == 0 and lines and not understood and not begun:
            raise InputError(f"{path} is no store of answers: name another file.")
        if broken:
            _log.warning(
                "%d of the %d lines of the store %s cannot be read: what they said is asked again.",
                broken, lines, path,
            )  # fmt: skip

    def _take(self, raw: bytes, start: int) -> bool:
        """Whether a line could be read."""
        line = parsed_line(raw)
        judge = judge_of(line)
        if judge is not None:
            self.judges[name_of(judge)] = judge
            return True
        answer = answer_of(line)
        if answer is None:
            return False
        self._recent[line["key"]] = (answer, (start, len(raw)))  # a later one was asked anew
        return True


def _content(file: int, start: int, length: int) -> bytes:
    os.lseek(file, start, os.SEEK_SET)
    return os.read(file, length)


def _unnamed() -> int:
    """A file without a name, which is gone once it is closed."""
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


MOST_IN_MEMORY = 8192
"""Answers that are held in memory; beyond them there is an index."""
_NOWHERE: Place = (0, 0)


_HEADS = (b'{"judge": ', b'{"key": ')
"""How the lines of a store begin: all that is there where the first was cut short by a kill."""


def _file(path: Path) -> Path:
    return path / FILE if path.is_dir() or not path.suffix else path


def _opened(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    binary = getattr(os, "O_BINARY", 0)  # where there is text mode, it changes line breaks
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | binary, 0o600)
    if os.fstat(file).st_size:
        os.lseek(file, -1, os.SEEK_END)
        if os.read(file, 1) != b"\n":  # what a kill cut short stays a line alone
            os.write(file, b"\n")
    return file
