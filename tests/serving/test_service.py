"""Waiting for the judge: refused, late, gone, and under load without mixing anybody up."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import numpy as np
import pytest

from leanfair.serving.record import Record
from tests.support.served import biased, fair, judge, limits, served


class Held:
    """A model that answers once it may."""

    def __init__(self) -> None:
        self.may, self.begun = threading.Event(), threading.Event()
        self.seen: list[str] = []

    def __call__(self, texts: list[str]) -> Any:
        self.begun.set()
        assert self.may.wait(20)
        self.seen += texts
        return biased(texts)


def test_two_hundred_callers_at_once_each_get_their_own_and_see_nothing_else() -> None:
    """Every third text makes the model fail, which then quotes all that it was given."""

    def touchy(texts: list[str]) -> Any:
        if any("poison" in text for text in texts):
            raise ValueError(f"cannot read {texts}")
        return np.array([[int(re.findall(r"caller(\d+)x", t)[0]) / 1000] * 2 for t in texts])

    with served(judge(touchy), limits=limits(together=32)) as call:
        call.decide("caller1x")  # from now on it is known to work
        texts = [f"caller{n}x {'poison' if n % 3 == 0 else ''} secret{n}." for n in range(1, 201)]
        started = [
            call.start("POST", "/v1/decisions", {"items": [text]})
            if n % 2
            else call.start(
                "POST", "/v1/chat/completions",
                {"model": "leanfair", "messages": [{"role": "user", "content": text}]},
            )
            for n, text in enumerate(texts, start=1)
        ]  # fmt: skip
        replies = [each.result(30) for each in started]
        rounds = call("GET", "/metrics").body.decode()
    for n, reply in enumerate(replies, start=1):
        text = reply.body.decode()
        assert not [m for m in re.findall(r"secret(\d+)", text) if int(m) != n]
        if n % 3 == 0:
            assert "cannot read" not in text
            assert reply.status == (200 if n % 2 else 502)
            assert n % 2 == 0 or reply.json["decisions"][0]["status"] == "failed"
        else:
            assert reply.status == 200
            captured = (reply.json["decisions"][0] if n % 2 else reply.json["leanfair"])["captured"]
            assert captured == pytest.approx(2 * n / 1000)
    rounds_of_model = float(re.findall(r"leanfair_round_requests_count (\S+)", rounds)[0])
    assert rounds_of_model < 100


def test_a_request_is_given_up_in_its_time_and_the_next_is_answered() -> None:
    model = Held()
    fair().decide(["A baker.", "A clerk."])  # words are read by now, which may take seconds
    with served(fair(model), limits=limits(answer_within=1.0)) as call:
        late = call.start("POST", "/v1/decisions", {"items": ["A baker."]})
        assert model.begun.wait(10)
        waiting = call.decide("She is a White woman.")
        assert late.result(10).status == waiting.status == 504
        assert "1 s" in waiting.message
        model.may.set()
        assert call.decide("A clerk.").status == 200
    assert not any("woman" in text for text in model.seen)


def test_who_leaves_is_not_asked_about() -> None:
    model = Held()
    with served(fair(model)) as call:
        first = call.start("POST", "/v1/decisions", {"items": ["He is Black."]})
        assert model.begun.wait(10)
        leave = asyncio.Event()
        gone = call.start("POST", "/v1/decisions", {"items": ["She is White."]}, leave=leave)
        call.loop.call_soon_threadsafe(leave.set)
        assert gone.result(10).status in (0, 500)
        model.may.set()
        assert first.result(10).status == 200
        assert 'status="499"' in call("GET", "/metrics").body.decode()
    assert not any("She" in text for text in model.seen)


def test_a_full_queue_says_when_to_come_back() -> None:
    model = Held()
    with served(fair(model), limits=limits(max_waiting=3)) as call:
        first = call.start("POST", "/v1/decisions", {"items": ["He is Black."]})
        assert model.begun.wait(10)
        second = call.start("POST", "/v1/decisions", {"items": ["a", "b", "c"]})
        while "leanfair_waiting_rows 3.0" not in call("GET", "/metrics").body.decode():
            pass
        refused = call.decide("He is White.")
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert call.chat("He is White.").json["error"]["type"] == "rate_limit_error"
        model.may.set()
        assert [first.result(10).status, second.result(10).status] == [200, 200]


def test_what_was_taken_is_answered_at_the_end() -> None:
    model = Held()
    with served(fair(model)) as call:
        started = [call.start("POST", "/v1/decisions", {"items": ["He is Black."]})]
        assert model.begun.wait(10)
        started.append(call.start("POST", "/v1/decisions", {"items": ["b"]}))
        while "leanfair_waiting_rows 1.0" not in call("GET", "/metrics").body.decode():
            pass
        threading.Timer(0.2, model.may.set).start()
    # The server is down, so that nothing is answered any more; the callers may still be reading.
    assert [each.result(10).status for each in started] == [200, 200]


def test_more_rows_than_a_request_may_hold_are_refused() -> None:
    with served(limits=limits(max_rows=2)) as call:
        assert call.decide("a", "b").status == 200
        refused = call.decide("a", "b", "c")
        assert (refused.status, refused.json["error"]["param"]) == (422, "items")


def test_a_text_that_would_hold_up_all_others_is_refused() -> None:
    with served(limits=limits(max_text=30)) as call:
        assert call.decide("a" * 30).status == 200
        for item in ("a" * 31, {"text": "a" * 20, "more": 10**12}):
            refused = call.decide("a", item)
            assert (refused.status, refused.json["error"]["param"]) == (422, "items")
        assert call.chat("a" * 31).status == 422


def test_an_item_is_named_as_the_caller_counts() -> None:
    with served(fair(prompt="A {race} {job}.")) as call:
        refused = call.decide({"race": "Black", "job": "clerk"}, {"race": "Black"})
        assert refused.status == 422
        assert refused.message.startswith("Item 2: the field 'job'")


def test_answers_are_kept_no_longer_than_was_said() -> None:
    calls: list[str] = []

    def counted(texts: list[str]) -> Any:
        calls.extend(texts)
        return biased(texts)

    for cache, expected in ((10_000, 1), (0, 3)):
        calls.clear()
        with served(judge(counted), limits=limits(cache=cache)) as call:
            for _ in range(3):
                call.decide("He is Black.")
        assert len(calls) == expected


def test_what_was_decided_is_recorded_and_a_full_disk_is_counted(tmp_path: Any) -> None:
    record = Record(tmp_path / "served.jsonl")
    with served(record=record) as call:
        call.decide("He is Black.", "A clerk.")
    assert len((tmp_path / "served.jsonl").read_text().splitlines()) == 2
    record.close()
    with served(record=Record("/dev/full")) as call:
        assert call.decide("He is Black.").status == 200
        while "leanfair_unwritten_records_total 1.0" not in call("GET", "/metrics").body.decode():
            pass


def test_the_fingerprint_tells_one_judge_from_another() -> None:
    found = set()
    for each in (fair(), judge(), fair(prompt="Other? {text}"), fair()):
        with served(each) as call:
            found.add(call.chat().json["system_fingerprint"])
    assert len(found) == 3
