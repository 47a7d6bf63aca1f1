"""Answers written down as they come, so that a killed run resumes and pays nothing twice.

A store is a file of JSON lines that only grows. A line holds an answer under a key made of all that
it depends on (the model and its revision, the prompt in full, the options and their forms); other
lines say which judges wrote here. A line that a kill cut short, or that is otherwise none of these,
is passed over and counted: what it said is asked again. A file in which no line is one of these is
somebody else's, and is never written to.

Any number of processes may read a store, but one at a time may add to it, so that none pays for
what another is paying for: the first addition locks the file until the store is closed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.types import Answer
from leanfair.files.checked_json import DamagedError, checked, parsed
from leanfair.files.locks import locked

_log = logging.getLogger(__name__)

VERSION = 1
"""Counts how prompts are put before models and answers are read; part of every key."""
FILE = "answers.jsonl"


class AnswerEntry(TypedDict):
    """An answer that is kept, as `Answer.to_dict` writes it."""

    status: Literal["answered", "refused", "unparsed"]
    probabilities: NotRequired[dict[str, float]]
    captured: NotRequired[float]
    text: NotRequired[str]


class AnswerLine(TypedDict):
    """A line that holds an answer."""

    key: str
    answer: AnswerEntry


class JudgeEntry(TypedDict):
    """What a judge says of itself, as far as it is read again."""

    identity: dict[str, Any]
    prompt: str
    system: NotRequired[str | None]
    options: dict[str, list[str]]


class JudgeLine(TypedDict):
    """A line that says which judge wrote here."""

    judge: JudgeEntry


def key_of(identity: Mapping[str, Any], prompt: Prompt, options: Options) -> str:
    """The key of the answer of the model that `identity` tells."""
    parts = [VERSION, dict(identity), prompt.system or "", prompt.text, options.to_json()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _name_of(judge: Mapping[str, Any]) -> str:
    """What tells a judge from others: a hash of what it says of itself."""
    return hashlib.sha256(json.dumps(judge, sort_keys=True).encode()).hexdigest()[:16]


class Store:
    """Answers by key: in memory, and in a file where there is one.

    `path`: a file, or a folder, in which the file is then "answers.jsonl"; None for memory alone.
    `wait`: seconds to wait for another process that adds to the file.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, wait: float = 0.0) -> None:
        self._wait = wait
        self.path = None if path is None else _file(Path(path))
        self.judges: dict[str, Mapping[str, Any]] = {}
        """What the judges that wrote here said of themselves, by the hash of that."""
        self._answers: dict[str, Answer] = {}
        self._file: int | None = None
        self._lock: ExitStack | None = None
        self._read_to = 0
        """How many bytes of the file are read: the lines that were whole then."""
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def get(self, key: str) -> Answer | None:
        """The answer under `key`, None where there is none."""
        return self._answers.get(key)

    def drop_misfits(self, keys: Iterable[str], names: Sequence[str]) -> None:
        """Forget the answers under `keys` that are not about the options `names`, which no judge
        wrote: they are asked again."""
        for key in keys:
            answer = self._answers.get(key)
            if answer is not None and answer.probabilities and {*answer.probabilities} != {*names}:
                del self._answers[key]

    def add(self, key: str, answer: Answer) -> None:
        """Write `answer` down. One that failed is kept nowhere, so that it is asked again."""
        if answer.status == "failed" or key in self._answers:
            return
        self._answers[key] = answer
        self._append({"key": key, "answer": answer.to_dict()})

    def trim(self, most: int) -> None:
        """Forget the oldest answers of a store without a file, until `most` are left. What a file
        holds stays known, so that it is not paid twice."""
        if self.path is None:
            for key in list(islice(self._answers, max(0, len(self._answers) - most))):
                del self._answers[key]

    def introduce(self, judge: Mapping[str, Any]) -> None:
        """Write down which judge writes here; once for each."""
        name = _name_of(judge)
        if name not in self.judges:
            self.judges[name] = judge
            self._append({"judge": judge})

    def reserve(self) -> None:
        """Lock the file for this process and read what was added to it since; to be called before
        answers are paid for. Raises RunDirectoryError where another process adds to it."""
        if self.path is None:
            return
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

    def close(self) -> None:
        """Close the file and release its lock; the next addition takes both again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __del__(self) -> None:
        self.close()

    def _append(self, line: Mapping[str, Any]) -> None:
        if self.path is None:
            return
        content = (json.dumps(line, allow_nan=False) + "\n").encode()
        if self._lock is None:
            self.reserve()
        try:
            if self._file is None:
                self._file = _opened(self.path)
            # One write for one line, so that several stores in this process do not mix theirs.
            written = os.write(self._file, content)
        except OSError as error:
            raise RunDirectoryError(
                f"The store {self.path} cannot be written: {error.strerror or error}; the answers "
                f"written before are intact."
            ) from error
        if written < len(content):
            self.close()
            raise RunDirectoryError(
                f"The disk is full: the store {self.path} has no room for another answer; make "
                f"room and run again."
            )

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                file.seek(self._read_to)
                content = file.read()
        except OSError as error:
            raise RunDirectoryError(f"The store {path} cannot be read: {error}.") from error
        lines = content.split(b"\n")
        understood = [self._take(line) for line in lines]
        begun = len(lines) == 1 and any(content.startswith(each[: len(content)]) for each in _HEADS)
        if self._read_to == 0 and content and not any(understood) and not begun:
            raise InputError(f"{path} is no store of answers: name another file.")
        broken = sum(bool(line.strip()) for line, is_good in zip(lines, understood, strict=True)
                     if not is_good)  # fmt: skip
        if broken:
            _log.warning(
                "%d of the %d lines of the store %s cannot be read: what they said is asked again.",
                broken, len(lines), path,
            )  # fmt: skip
        self._read_to += len(content) - len(lines[-1])

    def _take(self, raw: bytes) -> bool:
        """Whether a line could be read."""
        try:
            line = parsed(raw)
            if isinstance(line, dict) and "judge" in line:
                checked(line, JudgeLine)
                self.judges[_name_of(line["judge"])] = line["judge"]
                return True
            answer = checked(line, AnswerLine)
        except DamagedError:
            return False
        found = Answer.from_dict(answer["answer"])
        if not _adds_up(found):
            return False
        self._answers[answer["key"]] = found  # a later one was asked anew
        return True


def _adds_up(answer: Answer) -> bool:
    """Whether the numbers of an answer can be those of one."""
    shares = answer.probabilities.values()
    if not -_ROUNDING <= answer.captured <= 1 + _ROUNDING or any(share < 0 for share in shares):
        return False
    if answer.status != "answered":
        return not shares or sum(shares) <= 1 + _ROUNDING
    return bool(shares) and math.isclose(sum(shares), 1, abs_tol=_ROUNDING)


_ROUNDING = 1e-6
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
