"""What all routes share: the judge behind its worker, and how a request waits for it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.types import Decision, Item
from leanfair.serving.guard import GoneError
from leanfair.serving.limits import Limits
from leanfair.serving.metrics import Metrics
from leanfair.serving.problems import ProblemError
from leanfair.serving.record import Record
from leanfair.serving.together import ModelError, decide_apart
from leanfair.serving.tokens import Tokens
from leanfair.serving.worker import FullError, StoppedError, Worker

_log = logging.getLogger("leanfair.serving")


@dataclass(frozen=True)
class Service:
    """A judge that is served. `name`: what clients call it by; `fingerprint`: changes whenever its
    decisions may."""

    decider: Decider
    name: str
    fingerprint: str
    tokens: Tokens
    limits: Limits
    metrics: Metrics
    worker: Worker

    async def decided(
        self,
        request: Request,
        items: Sequence[Item],
        finish: Callable[[list[Decision]], Any] = lambda decisions: decisions,
    ) -> Any:
        """What `finish` makes of the decisions about `items`. Raises ProblemError where there are
        none, GoneError where the caller leaves before."""
        if len(items) > self.limits.max_rows:
            raise ProblemError(
                422,
                f"{len(items):,} texts or records are more than {self.limits.max_rows:,}: send "
                f"them in several requests.",
                param="items",
            )
        longest = max(map(_letters, items), default=0)
        if longest > self.limits.max_text:
            raise ProblemError(
                422,
                f"A text of {longest:,} characters is longer than {self.limits.max_text:,}: "
                f"shorten it.",
                param="items",
            )
        try:
            job = self.worker.submit(items, request.state.size, finish)
        except FullError as error:
            raise ProblemError(429, str(error), headers={"Retry-After": str(error.after)}) from None
        except StoppedError:
            raise ProblemError(503, "The server ends: try again in a while.") from None
        waiting = asyncio.ensure_future(asyncio.wrap_future(job.future))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait(
                {waiting, leaving},
                timeout=self.limits.answer_within,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not waiting.done():
                raise GoneError if leaving.done() else self._late()
            return _result(waiting)
        finally:
            self.worker.give_up(job)
            leaving.cancel()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await leaving

    def _late(self) -> ProblemError:
        return ProblemError(
            504, f"The model took longer than {self.limits.answer_within:g} s: try again later."
        )


def service_of(
    decider: Decider,
    name: str,
    tokens: Tokens,
    limits: Limits,
    record: Record | None,
    log_texts: bool,
) -> Service:
    """A service for `decider`, which from now on only the worker's thread may ask."""
    metrics = Metrics()

    def ask(groups: Any) -> Any:
        return decide_apart(decider, groups)

    worker = Worker(ask, limits, _Told(decider, limits, metrics, record), log_texts)
    metrics.waiting.set_function(lambda: worker.rows)
    told = json.dumps(decider.describe(), sort_keys=True, default=str)
    fingerprint = f"leanfair-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    return Service(decider, name, fingerprint, tokens, limits, metrics, worker)


class _Told:
    """What happens after each round, in the worker's thread."""

    def __init__(
        self, decider: Decider, limits: Limits, metrics: Metrics, record: Record | None
    ) -> None:
        self.decider, self.limits, self.metrics, self.record = decider, limits, metrics, record
        self._passes = decider.forward_passes

    def __call__(self, rows: int, callers: int, made: Sequence[Decision]) -> None:
        before, self._passes = self._passes, self.decider.forward_passes
        self.metrics.round(rows, callers, self._passes - before)
        self.metrics.decided(made)
        self.decider.forget(self.limits.cache)
        if self.record is None:
            return
        try:
            self.record.add(made)
        except RunDirectoryError as error:
            self.metrics.unwritten(len(made))
            _log.error("%s", error)


async def _left(request: Request) -> None:
    """Returns when the caller has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _result(waiting: asyncio.Future[Any]) -> Any:
    """What came of a job. Raises ProblemError for what is told to the caller."""
    error = waiting.exception()
    if isinstance(error, InputError):
        raise ProblemError(422, _for_callers(str(error)), param="items") from None
    if isinstance(error, ModelError):
        raise ProblemError(502, str(error)) from None
    return waiting.result()


def _letters(item: Item) -> int:
    """The characters of a text, or of the values of a record."""
    if isinstance(item, str):
        return len(item)
    return sum(len(str(value)) for value in item.values())


def _for_callers(sentence: str) -> str:
    """A sentence about a row of a table, as one about an item of a request."""
    return sentence.replace(" of the table:", ":", 1).replace("Row", "Item", 1)
