"""A decision as a chat completion."""

from __future__ import annotations

import json

import pytest

from leanfair.fairness.types import Decision
from leanfair.serving.api.chat_answer import NEVER, Chat
from leanfair.serving.api.chat_request import ChatRequest


def chat(decision: Decision, **given: object) -> Chat:
    asked = ChatRequest.model_validate(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], **given}
    )
    return Chat(asked, decision, "m", "print", (3, 1), ("a note",))


CERTAIN = Decision("yes", {"no": 0.0, "yes": 1.0}, "answered", note="seen")


def test_what_has_no_probability_has_a_finite_logarithm() -> None:
    found = chat(CERTAIN, logprobs=True, top_logprobs=2).whole()["choices"][0]["logprobs"]
    assert [each["logprob"] for each in found["content"][0]["top_logprobs"]] == [0.0, NEVER]


def test_the_option_that_was_chosen_leads_also_where_another_is_as_likely() -> None:
    voted = Decision("no", {"yes": 0.6, "no": 0.4}, "answered")
    found = chat(voted, logprobs=True, top_logprobs=2).whole()["choices"][0]["logprobs"]
    assert [each["token"] for each in found["content"][0]["top_logprobs"]] == ["no", "yes"]


def test_notes_and_the_decision_s_own_are_beside() -> None:
    assert chat(CERTAIN).whole()["leanfair"]["notes"] == ["a note", "seen"]


@pytest.mark.parametrize("status", ["refused", "unparsed", "abstained"])
def test_no_decision_is_a_refusal(status: str) -> None:
    found = chat(Decision(None, {}, status), logprobs=True).whole()  # type: ignore[arg-type]
    assert found["choices"][0]["message"]["content"] is None
    assert found["choices"][0]["message"]["refusal"]
    assert found["choices"][0]["logprobs"] is None


def test_a_stream_is_events_that_end() -> None:
    events = list(chat(CERTAIN, stream=True, n=2, stream_options={"include_usage": True}).stream())
    assert events[-1] == "data: [DONE]\n\n"
    assert all(event.startswith("data: ") and event.endswith("\n\n") for event in events)
    chunks = [json.loads(event[6:]) for event in events[:-1]]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[-1]["usage"]["completion_tokens"] == 2
    assert [c["choices"][0]["index"] for c in chunks[:-1]] == [0, 0, 0, 1, 1, 1]
