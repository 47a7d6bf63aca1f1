"""A server that is down, half down, slow or talks nonsense costs its own answers and no others."""

from __future__ import annotations

import json
import socket
import time
from math import log
from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.judge import Judge
from tests.support.unruly_server import Asked, Behaviour, Reply, Unruly, said, trouble, user_text

TEXTS = [f"text {i}" for i in range(12)]
GRADED = {"Yes": log(0.5), " yes": log(0.1), "No": log(0.3), "Maybe": log(0.05)}


def graded(asked: Asked, number: int) -> Reply:
    return said("Yes", GRADED) if asked.get("logprobs") else said("Yes")


def texts_only(text: str) -> Behaviour:
    """A server that gives no log-probabilities and knows no choices."""

    def behave(asked: Asked, number: int) -> Reply:
        if "response_format" in asked or "logprobs" in asked:
            return trouble(400, "unknown field")
        return said(text)

    return behave


def judge(url: str, **more: Any) -> Judge:
    settings: dict[str, Any] = {"options": ["yes", "no"], "retries": 1, "timeout": 5.0, **more}
    return Judge(url, "Is it so? {text}", **settings)


def test_log_probabilities_are_added_up_by_option() -> None:
    with Unruly(graded) as server:
        answers = judge(server.url).answers(TEXTS)
    assert [a.status for a in answers] == ["answered"] * len(TEXTS)
    assert answers[0].probabilities == pytest.approx({"yes": 0.6 / 0.9, "no": 0.3 / 0.9})
    assert answers[0].captured == pytest.approx(0.9)


def test_the_prompt_is_sent_as_it_was_written() -> None:
    with Unruly(graded) as server:
        judge(server.url, system="Be Fair.").answers(["McDonald's LLC\n  says NO"])
        turns = server.requests[0]["messages"]
    assert turns[0] == {"role": "system", "content": "Be Fair."}
    assert turns[1]["content"] == "Is it so? McDonald's LLC\n  says NO"


def test_without_log_probabilities_a_choice_is_asked_for_and_read_strictly() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        if "response_format" not in asked:
            return said("Well...")
        schema = asked["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["answer"]["enum"] == ["yes", "no", "cannot answer"]
        pick = {"text 0": "no", "text 1": "cannot answer"}.get(user_text(asked)[10:], "yes")
        return said(json.dumps({"answer": pick}))

    with Unruly(behave) as server:
        answers = judge(server.url).answers(TEXTS)
        assert len(server.requests) == len(TEXTS) + 1  # the way is found out once
    assert answers[0].probabilities == {"yes": 0.0, "no": 1.0}
    assert answers[1].status == "refused"
    assert answers[2].probabilities == {"yes": 1.0, "no": 0.0}


def test_a_server_that_knows_no_way_but_text_is_read_by_its_text() -> None:
    with Unruly(texts_only("No.\nBecause of the income.")) as server:
        answers = judge(server.url).answers(TEXTS)
        assert len(server.requests) == len(TEXTS) + 2
    assert {a.probabilities["no"] for a in answers} == {1.0}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Approved. The applicant has notable experience.", "unparsed"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("As an AI language model, I cannot make this decision. No.", "refused"),
        ("", "unparsed"),
        ("yes or no?", "unparsed"),
    ],
)
def test_what_states_no_option_is_refused_or_unparsed(text: str, status: str) -> None:
    with Unruly(texts_only(text)) as server:
        answers = judge(server.url).answers(TEXTS)
    assert {a.status for a in answers} == {status}
    assert {a.text for a in answers} == {text}


def test_a_refusal_the_server_names_as_such_is_refused() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        return said(None, refusal="I won't.") if "response_format" in asked else said(None)

    with Unruly(behave) as server:
        assert judge(server.url).answers(TEXTS[:2])[1].status == "refused"


def test_little_captured_probability_is_unparsed_or_refused_by_the_text() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        text = "I cannot say." if "text 1" in user_text(asked) else "Perhaps."
        tops = {text.split()[0]: log(0.9), "yes": log(0.02), "no": log(0.01)}
        return said(text, tops if asked.get("logprobs") else None)

    with Unruly(behave) as server:
        answers = judge(server.url).answers(["text 0", "text 1"])
    assert [a.status for a in answers] == ["unparsed", "refused"]


def test_options_longer_than_a_token_are_asked_for_as_a_choice() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        if asked.get("logprobs"):
            return said("not granted", {"not": log(0.6), "granted": log(0.3)})
        return said('{"answer": "not granted"}')

    with Unruly(behave) as server:
        answers = judge(server.url, options=["granted", "not granted"]).answers(TEXTS[:3])
    assert answers[0].probabilities == {"granted": 0.0, "not granted": 1.0}


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


def test_a_server_that_is_half_down_is_asked_again() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        if number % 2 == 0:
            return Reply(hang_up=True) if number % 4 else trouble(503, retry_after="0.01")
        return graded(asked, number)

    with Unruly(behave) as server:
        answers = judge(server.url, retries=6, concurrency=1).answers(TEXTS[:5])
    assert {a.status for a in answers} == {"answered"}


def test_the_server_says_how_long_to_wait() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        wait = trouble(429, "slow down", retry_after="0.5")
        return wait if number == 1 else graded(asked, number)

    with Unruly(behave) as server:
        start = time.monotonic()
        answers = judge(server.url, concurrency=1).answers(TEXTS[:2])
        assert time.monotonic() - start >= 0.5
    assert {a.status for a in answers} == {"answered"}


def test_a_slow_answer_times_out_and_the_others_come() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        reply = graded(asked, number)
        reply.delay = 20.0 if "text 5" in user_text(asked) else 0.0
        return reply

    with Unruly(behave) as server:
        answers = judge(server.url, timeout=2.0, retries=0).answers(TEXTS)
    assert [a.status == "failed" for a in answers] == [i == 5 for i in range(len(TEXTS))]


@pytest.mark.parametrize(
    "nonsense",
    [
        Reply(b"<html>Welcome to nginx!</html>"),
        Reply([1, 2, 3]),
        Reply({"choices": []}),
        Reply({"choices": "yes"}),
        Reply({"choices": [{"message": None}]}),
        Reply({"choices": [{"message": {}, "logprobs": {"content": [{"token": "yes"}]}}]}),
        Reply(None),
    ],
)
def test_nonsense_is_an_input_error_where_it_is_all_there_is(nonsense: Reply) -> None:
    with Unruly(lambda *_: nonsense) as server:
        with pytest.raises(InputError) as caught:
            judge(server.url, retries=0).answers(TEXTS[:4])
        assert server.url in str(caught.value)


def test_an_answer_that_is_no_text_is_unparsed() -> None:
    with Unruly(lambda *_: said(7)) as server:  # type: ignore[arg-type]
        answers = judge(server.url, retries=0).answers(TEXTS[:4])
    assert {a.status for a in answers} == {"unparsed"}


def test_nonsense_among_answers_is_a_failed_answer() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        wrong = "text 3" in user_text(asked)
        return Reply(b"<html>bad gateway</html>") if wrong else graded(asked, number)

    with Unruly(behave) as server:
        answers = judge(server.url).answers(TEXTS)
    assert [a.status == "failed" for a in answers] == [i == 3 for i in range(len(TEXTS))]


def test_a_server_that_dies_midway_is_not_waited_for_a_thousand_times() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        return graded(asked, number) if number < 20 else trouble(500)

    many = [f"text {i}" for i in range(200)]
    with Unruly(behave) as server:
        answers = judge(server.url, retries=0, concurrency=2).answers(many)
        assert len(server.requests) < 60
    assert sum(a.status == "answered" for a in answers) == 20
    assert sum(a.status == "failed" for a in answers) == 180


def test_a_text_too_long_for_the_server_fails_alone() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        long = len(user_text(asked)) > 100
        return trouble(400, "context length exceeded") if long else graded(asked, number)

    with Unruly(behave) as server:
        answers = judge(server.url).answers(["x" * 200, *TEXTS])
    assert answers[0].status == "failed"
    assert "context length" in answers[0].text
    assert {a.status for a in answers[1:]} == {"answered"}
    assert answers[1].captured == pytest.approx(0.9)  # and the way of asking is still the best


def test_so_many_requests_run_at_once_and_no_more() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        reply = graded(asked, number)
        reply.delay = 0.1
        return reply

    with Unruly(behave) as server:
        judge(server.url, concurrency=3).answers(TEXTS)
        assert 1 < server.most_at_once <= 3


def test_the_rate_is_kept() -> None:
    with Unruly(graded) as server:
        start = time.monotonic()
        judge(server.url, requests_per_minute=1200).answers(TEXTS)
        assert time.monotonic() - start >= 0.05 * (len(TEXTS) - 1)


def test_newer_names_of_the_same_setting_are_found_out() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        if "max_tokens" in asked:
            return trouble(400, "use 'max_completion_tokens' instead")
        if asked.get("top_logprobs", 0) > 5:
            return trouble(400, "top_logprobs must be at most 5")
        return graded(asked, number)

    with Unruly(behave) as server:
        assert judge(server.url).answers(TEXTS[:2])[0].captured == pytest.approx(0.9)


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


def test_keys_go_to_whom_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-openai")
    monkeypatch.delenv("LEANFAIR_API_KEY", raising=False)
    with Unruly(graded) as server:
        judge(server.url).answers(TEXTS[:1])
        monkeypatch.setenv("LEANFAIR_API_KEY", "mine")
        judge(server.url).answers(TEXTS[:1])
        judge(server.url, api_key="given").answers(TEXTS[:1])
        assert server.keys == ["Bearer none", "Bearer mine", "Bearer given"]


def test_nothing_secret_is_written_down() -> None:
    url = "http://user:secret@127.0.0.1:9/v1"
    told = judge(url, model_name="m", api_key="key").describe()
    assert "secret" not in json.dumps(told)
    assert "key" not in json.dumps(told["identity"])


def test_a_broken_url_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no URL"):
        judge("http://")


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
