"""The one thread that asks the judge, and the bounded queue of those who wait for it.

While it is asked about some, others gather: the next round takes all that fit in it, whoever sent
them. So the more callers there are, the more share a forward pass, and a single one waits for
nobody.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from leanfair.errors import InputError, first_line
from leanfair.fairness.types import Decision, Item
from leanfair.serving.limits import Limits
from leanfair.serving.together import Group, Outcome

_log = logging.getLogger("leanfair.serving")

Round: TypeAlias = "Callable[[Sequence[Group]], list[Outcome]]"
_LOOK, _MOMENT = 0.1, 5.0
"""Seconds between two looks at the end, and those that a judge has that nobody waits for."""
_LEAST, _MOST = 1, 120
"""Seconds after which a caller is told to come back."""


class FullError(Exception):
    """As much waits as may. `after`: seconds in which there should be room."""

    def __init__(self, after: int) -> None:
        super().__init__(f"As much waits for the model as may: come back in {after} s.")
        self.after = after


class StoppedError(Exception):
    """The server ends, and takes no more."""


@dataclass(eq=False)
class Job:
    """What one request waits for. `size`: bytes of the request. `finish`: what becomes of its
    decisions in the judge's own thread, as far as that needs the judge."""

    items: Sequence[Item]
    size: int
    finish: Callable[[list[Decision]], Any]
    future: Future[Any] = field(default_factory=Future)
    is_wanted: bool = True


class Worker:
    """Decides what is submitted, in its order, by `ask`, in a thread of its own.

    `done` is called there after each round, with the decisions that were made; `prompts` tells how
    many prompts the model was given so far.
    """

    def __init__(
        self,
        ask: Round,
        limits: Limits,
        done: Callable[[int, int, Sequence[Decision]], None] = lambda rows, callers, made: None,
        log_texts: bool = False,
    ) -> None:
        self._ask, self._limits, self._done, self._log_texts = ask, limits, done, log_texts
        self._waiting: deque[Job] = deque()
        self._rows = self._size = 0
        self._changed = threading.Condition()
        self._is_stopping = False
        self._rate = 0.0
        self._current: list[Job] = []
        self._thread = threading.Thread(target=self._run, name="leanfair-judge", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Decide what somebody waits for, and take no more. Returns when that is done; a judge that
        is still at what nobody waits for has a moment to end, and ends with the process."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        while self._thread.is_alive() and self._is_awaited():
            self._thread.join(_LOOK)
        self._thread.join(_MOMENT)

    def _is_awaited(self) -> bool:
        with self._changed:
            jobs = [*self._current, *self._waiting]
        return any(job.is_wanted and not job.future.done() for job in jobs)

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive() and not self._is_stopping

    @property
    def rows(self) -> int:
        """How many items wait."""
        return self._rows

    def submit(
        self,
        items: Sequence[Item],
        size: int,
        finish: Callable[[list[Decision]], Any] = lambda decisions: decisions,
    ) -> Job:
        """Wait in line. Raises FullError where the line is full, StoppedError where it ends.

        A request that alone is more than may wait gets its turn where nobody else waits.
        """
        job = Job(items, size, finish)
        with self._changed:
            if self._is_stopping:
                raise StoppedError
            rows, held = self._rows + len(items), self._size + size
            if self._waiting and (rows > self._limits.max_waiting or held > self._limits.max_held):
                raise FullError(self._after())
            self._waiting.append(job)
            self._rows, self._size = rows, held
            self._changed.notify()
        return job

    def give_up(self, job: Job) -> None:
        """Nobody waits for `job` any more: what is not begun of it is not done."""
        job.is_wanted = False
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._count(job)
        job.future.cancel()

    def _after(self) -> int:
        """Seconds in which what waits now should be decided, by the rate of the latest rounds."""
        seconds = self._rows / self._rate if self._rate else _LEAST
        return max(_LEAST, min(_MOST, math.ceil(seconds)))

    def _count(self, job: Job) -> None:
        self._rows -= len(job.items)
        self._size -= job.size

    def _run(self) -> None:
        while jobs := self._next():
            begun = time.monotonic()
            made = self._answer(jobs)
            rows = sum(len(job.items) for job in jobs)
            rate = rows / max(1e-6, time.monotonic() - begun)
            self._rate = rate if not self._rate else 0.8 * self._rate + 0.2 * rate
            self._done(rows, len(jobs), made)

    def _next(self) -> list[Job]:
        """The jobs of the next round, at least one; none at the end."""
        jobs: list[Job] = []
        with self._changed:
            while not jobs:
                while not self._waiting:
                    if self._is_stopping:
                        return []
                    self._changed.wait()
                room = self._limits.together
                while self._waiting and (not jobs or len(self._waiting[0].items) <= room):
                    job = self._waiting.popleft()
                    self._count(job)
                    if job.future.set_running_or_notify_cancel():
                        jobs.append(job)
                        room -= len(job.items)
            self._current = jobs
        return jobs

    def _answer(self, jobs: Sequence[Job]) -> list[Decision]:
        """Answer each job, and tell what was decided."""
        made: list[Decision] = []
        groups = [Group(job.items, lambda job=job: job.is_wanted) for job in jobs]  # type: ignore[misc]
        outcomes = self._ask(groups)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                self._tell(outcome)
                job.future.set_exception(outcome)
            else:
                made += outcome
                job.future.set_result(job.finish(outcome))
        return made

    def _tell(self, error: BaseException) -> None:
        """Log what is no caller's fault: by the kind of error alone, since its words may be a
        text."""
        if isinstance(error, InputError):
            return
        cause = error.__cause__ or error
        said = f": {first_line(cause)}" if self._log_texts else ""
        _log.error("Deciding failed (%s%s).", type(cause).__name__, said)
