"""What is sent to a server, how fast, how often again, and to whom with which key."""

from __future__ import annotations

import time
from dataclasses import fields
from itertools import combinations
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server.requests import in_order
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.prompt import Prompt
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


@pytest.mark.parametrize("wait", ["soon", "so\u00e9n", "-1", "nan", "1e999", ""])
def test_a_wait_that_is_none_is_no_reason_to_give_up(wait: str) -> None:
    def behave(asked: Asked, number: int) -> Reply:
        odd = trouble(429, "slow down", retry_after=wait)
        return odd if number == 2 else graded(asked, number)

    with Unruly(behave) as server:
        answers = judge(server.url, concurrency=1, retries=2).answers(TEXTS[:3])
    assert {a.status for a in answers} == (
        {"answered"} if wait != "1e999" else {"answered", "failed"}
    )


def test_a_server_that_is_silent_from_the_start_is_asked_once_and_told() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        return Reply(delay=20.0)

    with Unruly(behave) as server:
        began = time.monotonic()
        with pytest.raises(InputError, match=r"does not answer in 0\.5 seconds.*more time"):
            judge(server.url, timeout=0.5, retries=5).answers(TEXTS)
        assert time.monotonic() - began < 10
        assert len(server.requests) == 1


def test_a_slow_answer_times_out_and_the_others_come() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        reply = graded(asked, number)
        reply.delay = 20.0 if "text 5" in user_text(asked) else 0.0
        return reply

    with Unruly(behave) as server:
        answers = judge(server.url, timeout=2.0, retries=0).answers(TEXTS)
    assert [a.status == "failed" for a in answers] == [i == 5 for i in range(len(TEXTS))]


def test_a_text_too_long_for_the_server_fails_alone() -> None:
    def behave(asked: Asked, number: int) -> Reply:
        long = len(user_text(asked)) > 100
        return trouble(400, "context length exceeded") if long else graded(asked, number)

    with Unruly(behave) as server:
        answers = judge(server.url).answers(["a" * 200, *TEXTS])
    assert answers[0].status == "failed"
    assert "context length" in answers[0].text
    assert {a.status for a in answers[1:]} == {"answered"}
    assert answers[1].captured == pytest.approx(0.9)  # and the way of asking is still the best


def test_prompts_that_start_alike_are_asked_side_by_side_and_answered_in_their_places() -> None:
    texts = [f"{person} is {value}." for value in ("old", "young") for person in "CABD"]

    def behave(asked: Asked, number: int) -> Reply:
        return said("Yes", {"Yes": log(0.9) if "old" in user_text(asked) else log(0.3)})

    with Unruly(behave) as server:
        answers = judge(server.url, concurrency=1, min_captured=0.0).answers(texts)
        assert [user_text(asked) for asked in server.requests] == [
            f"Is it so? {text}" for text in sorted(texts)
        ]
    assert [answer.captured for answer in answers] == pytest.approx([0.9] * 4 + [0.3] * 4)


PROMPTS = st.builds(Prompt, st.text("ab", max_size=4), st.none() | st.text("ab", max_size=1))


@given(st.lists(PROMPTS, max_size=12))
def test_between_two_prompts_with_a_common_start_stand_others_with_it_alone(
    prompts: list[Prompt],
) -> None:
    order = in_order(prompts)
    assert sorted(order) == list(range(len(prompts)))
    turns = [(prompts[i].system or "", prompts[i].text) for i in order]
    for first, last in combinations(range(len(turns)), 2):
        if turns[first][0] == turns[last][0]:
            system, text = turns[first]
            shared = max(n for n in range(5) if text[:n] == turns[last][1][:n])
            between = turns[first : last + 1]
            assert all(s == system and t.startswith(text[:shared]) for s, t in between)


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


def test_keys_go_to_whom_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-openai")
    monkeypatch.delenv("LEANFAIR_API_KEY", raising=False)
    with Unruly(graded) as server:
        judge(server.url).answers(TEXTS[:1])
        monkeypatch.setenv("LEANFAIR_API_KEY", "mine")
        judge(server.url).answers(TEXTS[:1])
        judge(server.url, api_key="given").answers(TEXTS[:1])
        assert server.keys == ["Bearer none", "Bearer mine", "Bearer given"]
