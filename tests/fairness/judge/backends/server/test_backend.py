"""A server that is down, half down, slow or talks nonsense costs its own answers and no others."""

from __future__ import annotations

import json
import socket
from dataclasses import fields
from math import log
from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.judge import Judge
from tests.support.unruly_server import Asked, Reply, Unruly, said, trouble, user_text

TEXTS = [f"text {i}" for i in range(12)]
GRADED = {"Yes": log(0.5), " yes": log(0.1), "No": log(0.3), "Maybe": log(0.05)}


def graded(asked: Asked, number: int) -> Reply:
    return said("Yes", GRADED) if asked.get("logprobs") else said("Yes")


def judge(url: str, **more: Any) -> Judge:
    settings: dict[str, Any] = {"options": ["yes", "no"], "retries": 1, "timeout": 5.0, **more}
    names = {one.name for one in fields(Server)} & settings.keys()
    server = Server(url, **{name: settings.pop(name) for name in names})
    return Judge(server, "Is it so? {text}", **settings)


def test_the_prompt_is_sent_as_it_was_written() -> None:
    with Unruly(graded) as server:
        judge(server.url, system="Be Fair.").answers(["McDonald's LLC\n  says NO"])
        turns = server.requests[0]["messages"]
    assert turns[0] == {"role": "system", "content": "Be Fair."}
    assert turns[1]["content"] == "Is it so? McDonald's LLC\n  says NO"


# ---- trouble --------------------------------------------------------------------------------


def test_a_server_that_is_down_is_one_sentence_that_names_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(InputError) as caught:
            judge(url, retries=0, model_name="m").answers(TEXTS)
    assert url in str(caught.value)
    assert str(caught.value).count("\n") == 0
    with pytest.raises(InputError, match="does not tell its models"):
        judge(url, retries=0).answers(TEXTS)


def test_a_server_that_only_fails_is_down_too() -> None:
    with Unruly(lambda *_: trouble(503)) as server, pytest.raises(InputError, match="not answer"):
        judge(server.url, retries=0).answers(TEXTS)


def test_a_key_that_is_not_let_in_stops_the_run_at_once() -> None:
    with Unruly(lambda *_: trouble(401, "bad key")) as server:
        with pytest.raises(InputError, match="401: bad key"):
            judge(server.url).answers(TEXTS)
        assert len(server.requests) == 1


def test_one_failed_request_loses_no_other(tmp_path: Path) -> None:
    def behave(asked: Asked, number: int) -> Reply:
        return trouble(500) if "text 7" in user_text(asked) else graded(asked, number)

    store = tmp_path / "a.jsonl"
    with Unruly(behave) as server:
        first = judge(server.url, retries=0, store=store)
        answers = first.answers(TEXTS)
        assert [a.status for a in answers].count("answered") == len(TEXTS) - 1
        assert answers[7].status == "failed"
        assert "500" in answers[7].text
        assert first.decide(TEXTS)[7].label is None
        server.behaviour = graded
        asked = len(server.requests)
        again = judge(server.url, store=store)
        assert again.answers(TEXTS)[7].status == "answered"
        assert len(server.requests) == asked + 1  # what failed is asked again, and nothing else
        assert again.forward_passes == 1


def test_a_server_that_dies_midway_is_not_waited_for_a_thousand_times() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        return graded(asked, number) if number < 20 else trouble(500)

    many = [f"text {i}" for i in range(200)]
    with Unruly(behave) as server:
        answers = judge(server.url, retries=0, concurrency=2).answers(many)
        assert len(server.requests) < 60
    assert sum(a.status == "answered" for a in answers) == 20
    assert sum(a.status == "failed" for a in answers) == 180


# ---- what a server is -----------------------------------------------------------------------


def test_the_only_model_of_a_server_needs_no_name_and_one_of_several_does() -> None:
    with Unruly(graded, models=["one"]) as server:
        assert judge(server.url).describe()["identity"]["model"] == "one"
    with Unruly(graded, models=["one", "two"]) as server:
        with pytest.raises(InputError, match="model_name: it has one, two"):
            judge(server.url).answers(TEXTS)
        assert judge(server.url, model_name="two").answers(TEXTS[:1])[0].status == "answered"
    with Unruly(graded, models=Reply(b"<html>")) as server, pytest.raises(InputError):
        judge(server.url).answers(TEXTS)


def test_nothing_secret_is_written_down() -> None:
    url = "http://user:secret@127.0.0.1:9/v1"
    told = judge(url, model_name="m", api_key="key").describe()
    assert "secret" not in json.dumps(told)
    assert "key" not in json.dumps(told["identity"])


def test_a_broken_url_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no URL"):
        judge("http://").answers(TEXTS)


def test_it_works_where_an_event_loop_runs_already() -> None:
    import asyncio

    async def inside() -> int:
        with Unruly(graded) as server:
            return len(judge(server.url).answers(TEXTS))

    assert asyncio.run(inside()) == len(TEXTS)


def test_what_was_answered_before_an_interruption_is_kept(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    store = tmp_path / "answers.jsonl"
    with Unruly(graded) as server:
        with pytest.raises(KeyboardInterrupt):
            judge(server.url, store=store, progress=stop, concurrency=1).answers(TEXTS)
        again = judge(server.url, store=store)
        assert len(again.answers(TEXTS)) == len(TEXTS)
        assert again.forward_passes == len(TEXTS) - 5
