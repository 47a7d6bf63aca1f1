"""`POST /v1/chat/completions`, by the official client of OpenAI's."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import openai
import pytest

import leanfair
from leanfair.serving.app import application
from tests.support.served import OPTIONS, TOKEN, TOKENS, Caller, at_a_port, fair, served

BLACK = "He is a Black man from Ohio."
TURN = {"role": "user", "content": BLACK}


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with (
        at_a_port(application(fair(), TOKENS)) as (url, _),
        openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def call() -> Iterator[Caller]:
    with served() as caller:
        yield caller


def test_the_answer_is_the_corrected_option(client: openai.OpenAI) -> None:
    found = client.chat.completions.create(model="leanfair", messages=[TURN])  # type: ignore[list-item]
    choice = found.choices[0]
    assert (choice.message.role, choice.message.content) == ("assistant", "yes")
    assert choice.message.refusal is None
    assert (choice.finish_reason, choice.logprobs) == ("stop", None)
    assert found.object == "chat.completion"
    assert found.leanfair["flipped"] is True  # type: ignore[attr-defined]


def test_log_probabilities_are_those_that_decided(client: openai.OpenAI) -> None:
    (expected,) = fair().decide([BLACK])
    found = client.chat.completions.create(
        model="leanfair", messages=[TURN], logprobs=True, top_logprobs=5, max_tokens=1,  # type: ignore[list-item]
    )  # fmt: skip
    assert found.choices[0].logprobs is not None
    (token,) = found.choices[0].logprobs.content or []
    assert math.exp(token.logprob) == pytest.approx(expected.probabilities["yes"])
    assert bytes(token.bytes or []) == b"yes"
    top = {each.token: math.exp(each.logprob) for each in token.top_logprobs}
    assert top == pytest.approx(dict(expected.probabilities))


@pytest.mark.parametrize("n", [1, 3])
def test_a_stream_holds_the_same(n: int, client: openai.OpenAI) -> None:
    texts, ends, usages = {}, [], []
    stream = client.chat.completions.create(
        model="leanfair", messages=[TURN], stream=True, n=n, logprobs=True,  # type: ignore[list-item]
        stream_options={"include_usage": True},
    )  # fmt: skip
    for chunk in stream:
        assert chunk.object == "chat.completion.chunk"
        if not chunk.choices:
            usages.append(chunk.usage)
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            if choice.finish_reason:
                ends.append(choice.index)
    assert texts == dict.fromkeys(range(n), "yes")
    assert ends == list(range(n))
    assert usages == [None]  # a function tells no tokens


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["leanfair"]
    assert client.models.retrieve("leanfair").owned_by == "leanfair"
    for other in ("gpt-4", "of/another"):
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(other)


def test_errors_reach_the_client_as_its_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-4'") as missing:
        client.chat.completions.create(model="gpt-4", messages=[TURN])  # type: ignore[list-item]
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="Tools are not taken") as refused:
        client.chat.completions.create(
            model="leanfair", messages=[TURN],  # type: ignore[list-item]
            tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        )  # fmt: skip
    assert refused.value.param == "tools"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()


def test_a_judge_can_be_asked_by_a_judge(client: openai.OpenAI) -> None:
    """leanfair as a model behind leanfair: scored by log-probabilities."""
    server = leanfair.Server(str(client.base_url), api_key=TOKEN)
    found = leanfair.Judge(server, "{text}", OPTIONS).decide([BLACK])
    (expected,) = fair().decide([BLACK])
    assert found[0].label == "yes"
    assert dict(found[0].probabilities) == pytest.approx(dict(expected.probabilities))


def test_a_model_that_fails_is_no_answer() -> None:
    def down(texts: list[str]) -> None:
        raise OSError("the secret of somebody")

    with served(fair(down)) as call:
        reply = call.chat(BLACK)
        assert reply.status == 502
        assert "secret" not in reply.message


def test_without_a_decision_the_content_is_null_and_why_is_told() -> None:
    with served(fair(lambda texts: np.full((len(texts), 2), np.nan))) as call:
        message = call.chat(BLACK).json["choices"][0]["message"]
        assert message["content"] is None
        assert "none of the options" in message["refusal"]
        streamed = call.chat(BLACK, stream=True).body.decode()
        assert '"content": null' in streamed
        assert streamed.endswith("data: [DONE]\n\n")


def test_tokens_are_counted_where_the_model_tells_them() -> None:
    decider = fair()
    decider.token_count = lambda text: len(text.split())  # type: ignore[method-assign]
    with served(decider) as call:
        usage = call.chat(BLACK, n=2).json["usage"]
    assert usage == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
