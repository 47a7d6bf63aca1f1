"""What a server replies is read strictly: an option, a refusal, or neither."""

from __future__ import annotations

import json
from dataclasses import fields
from math import log
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
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
    names = {one.name for one in fields(Server)} & settings.keys()
    server = Server(url, **{name: settings.pop(name) for name in names})
    return Judge(server, "Is it so? {text}", **settings)


def test_log_probabilities_are_added_up_by_option() -> None:
    with Unruly(graded) as server:
        answers = judge(server.url).answers(TEXTS)
    assert [a.status for a in answers] == ["answered"] * len(TEXTS)
    assert answers[0].probabilities == pytest.approx({"yes": 0.6 / 0.9, "no": 0.3 / 0.9})
    assert answers[0].captured == pytest.approx(0.9)


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
