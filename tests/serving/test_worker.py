"""The queue: bounded, in order, shared, and nobody is forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.serving.limits import Limits
from leanfair.serving.together import Group, ModelError
from leanfair.serving.worker import FullError, StoppedError, Worker


class Slow:
    """Answers each group by its items, once it may."""

    def __init__(self) -> None:
        self.may, self.begun = threading.Event(), threading.Event()
        self.rounds: list[list[list[Any]]] = []

    def __call__(self, groups: Sequence[Group]) -> list[Any]:
        self.begun.set()
        assert self.may.wait(10)
        self.rounds.append([list(group.items) for group in groups])
        return [list(group.items) for group in groups]


@contextmanager
def working(ask: Any, **given: Any) -> Iterator[Worker]:
    worker = Worker(ask, Limits(**given))
    worker.start()
    try:
        yield worker
    finally:
        if isinstance(ask, Slow):
            ask.may.set()
        worker.stop()


def begun(ask: Slow, worker: Worker) -> Any:
    """A job that the worker is at, so that all later ones wait."""
    job = worker.submit(["first"], 1)
    assert ask.begun.wait(10)
    return job


def test_who_waits_meanwhile_shares_the_next_round_in_order() -> None:
    with working(ask := Slow(), together=4) as worker:
        jobs = [begun(ask, worker)]
        jobs += [worker.submit(items, 1) for items in ("ab", "cd", "e", "fghijk", "l")]
        ask.may.set()
        found = [job.future.result(10) for job in jobs]
    assert found == [["first"], [*"ab"], [*"cd"], ["e"], [*"fghijk"], ["l"]]
    assert ask.rounds == [
        [["first"]], [[*"ab"], [*"cd"]], [["e"]], [[*"fghijk"]], [["l"]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "more"),
    [({"max_waiting": 4}, ("abcd", 1)), ({"max_body": 1000}, ("a", 64_000_000))],
)
def test_what_is_more_than_may_wait_is_refused_with_a_time(
    given: dict[str, int], more: tuple[str, int]
) -> None:
    with working(ask := Slow(), **given) as worker:
        begun(ask, worker)
        worker.submit("b", 1)
        with pytest.raises(FullError) as told:
            worker.submit(*more)
        assert 1 <= told.value.after <= 120
        assert worker.rows == 1


def test_one_that_is_more_than_may_wait_gets_in_alone() -> None:
    with working(ask := Slow(), max_waiting=2) as worker:
        begun(ask, worker)
        job = worker.submit("abcdef", 1)
        ask.may.set()
        assert job.future.result(10) == [*"abcdef"]


def test_who_gives_up_frees_the_place_and_is_not_asked_about() -> None:
    with working(ask := Slow(), max_waiting=1) as worker:
        begun(ask, worker)
        job = worker.submit("b", 1)
        worker.give_up(job)
        assert worker.rows == 0
        other = worker.submit("c", 1)
        ask.may.set()
        assert other.future.result(10) == ["c"]
        worker.give_up(other)  # what is done is done
    assert job.future.cancelled()
    assert ["b"] not in [items for each in ask.rounds for items in each]


def test_at_the_end_all_that_waits_is_answered_and_nothing_more_is_taken() -> None:
    with working(ask := Slow()) as worker:
        jobs = [begun(ask, worker), worker.submit("b", 1)]
        ending = threading.Thread(target=worker.stop)
        ending.start()
        while worker.is_alive:
            pass
        with pytest.raises(StoppedError):
            worker.submit("c", 1)
        ask.may.set()
        ending.join()
        assert all(job.future.done() for job in jobs)


def test_the_end_does_not_wait_for_what_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanfair.serving.worker._MOMENT", 0.05)
    with working(ask := Slow()) as worker:
        worker.give_up(begun(ask, worker))
        worker.stop()
        assert not ask.may.is_set()


def test_errors_are_each_one_s_own_and_logged_without_their_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost = ModelError("lost")
    lost.__cause__ = ValueError("the text of somebody")

    def ask(groups: Sequence[Group]) -> list[Any]:
        return [{"a": lost, "b": InputError("yours"), "c": ["c"]}[g.items[0]] for g in groups]

    with caplog.at_level(logging.ERROR, "leanfair.serving"), working(ask) as worker:
        a, b, c = (worker.submit(items, 1).future for items in "abc")
        assert a.exception(10) is lost
        assert isinstance(b.exception(10), InputError)
        assert c.result(10) == ["c"]
    assert caplog.messages == ["Deciding failed (ValueError)."]


def test_with_texts_the_log_has_the_words(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(lambda groups: [RuntimeError("why")], Limits(), log_texts=True)
    worker.start()
    with caplog.at_level(logging.ERROR, "leanfair.serving"):
        assert worker.submit("a", 1).future.exception(10)
    worker.stop()
    assert caplog.messages == ["Deciding failed (RuntimeError: why)."]


def test_each_round_is_told() -> None:
    told: list[tuple[int, int, int]] = []
    worker = Worker(
        lambda groups: [list(group.items) for group in groups],
        Limits(),
        lambda rows, callers, made: told.append((rows, callers, len(made))),
    )
    worker.start()
    worker.submit("abc", 1).future.result(10)
    worker.stop()
    assert told == [(3, 1, 3)]


def test_many_threads_at_once_each_get_their_own() -> None:
    with working(lambda groups: [list(group.items) for group in groups], together=7) as worker:
        found: dict[int, Any] = {}

        def ask(number: int) -> None:
            mine = [f"{number}-{i}" for i in range(number % 5 + 1)]
            found[number] = worker.submit(mine, 1).future.result(20) == mine

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 60
    assert all(found.values())
    assert worker.rows == 0
