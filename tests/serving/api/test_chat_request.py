"""What of a chat can be answered by a decision, and what is refused or told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.served import biased, fair, served

BLACK = "He is a Black man."
USER = {"role": "user", "content": BLACK}


def seen_by_model(messages: list[Any], **given: Any) -> tuple[int, Any, str]:
    """The status, what came back, and what the model was asked about the text as it came in."""
    seen: list[str] = []

    def model(texts: list[str]) -> Any:
        seen.extend(texts)
        return biased(texts)

    with served(fair(model, "{text}")) as call:
        reply = call.chat(messages=messages, **given)
    asked = [text for text in seen if "Black" in text]
    return reply.status, reply.json, asked[0] if asked else ""


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([USER], BLACK),
        ([{"role": "user", "content": [{"type": "text", "text": BLACK}]}], BLACK),
        (
            [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "A."}, {"type": "text", "text": BLACK}],
                }
            ],
            f"A.\n{BLACK}",
        ),
        ([{"role": "system", "content": "Be kind."}, USER], BLACK),
        ([{"role": "developer", "content": [{"type": "text", "text": "x"}]}, USER], BLACK),
        (
            [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Yes?"}, USER],
            f"user: Hello.\n\nassistant: Yes?\n\nuser: {BLACK}",
        ),
        ([{**USER, "name": "ann"}], BLACK),
    ],
)  # fmt: skip
def test_the_text_is_the_last_turn_or_the_conversation(messages: list[Any], text: str) -> None:
    status, content, seen = seen_by_model(messages)
    assert (status, seen) == (200, text)
    system = messages[0]["role"] in ("system", "developer")
    assert bool([note for note in content["leanfair"]["notes"] if "system" in note]) == system


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "Be kind."}],
        [USER, {"role": "assistant", "content": "yes"}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": " \n"}],
        [{"role": "user", "content": None}],
        [{"role": "user"}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": 3}],
        [{"role": "king", "content": BLACK}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, USER],
        [{"role": "tool", "content": "42", "tool_call_id": "1"}, USER],
        "text",
        None,
    ],
)
def test_what_holds_no_text_is_refused(messages: Any) -> None:
    status, content, seen = seen_by_model(messages)
    assert (status, seen) == (400, "")
    assert str(content["error"]["param"]).startswith("messages")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"stream": "perhaps"}, "stream"),
    ],
)
def test_what_a_decision_cannot_do_is_refused(given: dict[str, Any], place: str) -> None:
    status, content, seen = seen_by_model([USER], **given)
    assert (status, content["error"]["param"], seen) == (400, place, "")


def test_what_means_nothing_for_a_decision_is_taken_and_told() -> None:
    quiet = {
        "user": "ann",
        "metadata": {"a": "b"},
        "tools": None,
        "response_format": {"type": "text"},
    }
    loud = {"temperature": 0.7, "seed": 3, "stop": ["\n"], "frequency_penalty": None}
    status, content, _ = seen_by_model([USER], max_tokens=1, **quiet, **loud)
    assert status == 200
    assert content["leanfair"]["notes"] == [
        "Without effect on a decision: seed, stop, temperature."
    ]


@pytest.mark.parametrize("body", [{}, {"model": "leanfair"}, {"messages": [USER]}, [], "x"])
def test_a_body_without_its_parts_is_refused(body: Any) -> None:
    with served() as call:
        assert call.post("/v1/chat/completions", body).status == 400
