"""`POST /v1/decisions`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leanfair.serving.api.decisions import DecisionsBody
from tests.support.served import fair, judge, served

BLACK = "He is a Black man from Ohio."


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("items", [BLACK, [BLACK], [BLACK, "A clerk.", BLACK], ["", BLACK]])
def test_decisions_are_those_of_decide(items: Any) -> None:
    with served() as call:
        reply = call.post("/v1/decisions", {"items": items})
    assert reply.status == 200
    DecisionsBody.model_validate(reply.json)
    listed = [items] if isinstance(items, str) else items
    asked = [item for item in listed if item]
    expected = [plain(decision.to_dict()) for decision in fair().decide(asked)]
    found = [each for each in reply.json["decisions"] if each["status"] != "empty"]
    assert found == expected
    assert len(reply.json["decisions"]) == len(listed)


def test_records_and_texts_without_variations() -> None:
    with served(fair(prompt="A {race} {job} of {age}.")) as call:
        record = {"race": "Black", "job": "clerk", "age": 34, "extra": None}
        found = call.post("/v1/decisions", {"items": record, "variations": False}).json["decisions"]
        assert found[0]["label"] == "yes"
        assert found[0]["flipped"] is True
        assert found[0]["variations"] == []


def test_a_judge_without_a_rule_is_served_too() -> None:
    with served(judge()) as call:
        found = call.decide(BLACK).json["decisions"]
        assert (found[0]["label"], found[0]["flipped"]) == ("no", None)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "items"),
        ({"items": None}, "items"),
        ({"items": 3}, "items"),
        ({"items": [3]}, "items"),
        ({"items": [["a"]]}, "items"),
        ({"items": [{"race": {"a": 1}}]}, "items"),
        ({"items": "a", "variations": "perhaps"}, "variations"),
        ({"items": "a", "more": 1}, "more"),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_what_cannot_be_decided_about_is_told_by_its_place(body: Any, place: str) -> None:
    with served() as call:
        reply = call("POST", "/v1/decisions", json.dumps(body).encode())
    assert reply.status == 422
    assert (reply.json["error"]["param"] or "").startswith(place)
    assert len(reply.message) < 300


def test_no_items_are_no_decisions() -> None:
    with served() as call:
        assert call.decide().json["decisions"] == []


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\x00b",
        "\U0001f468\u200d\U0001f469",
        "\u202e\u2066",
        "\ufeff",
        "x" * 50_000,
        "\u0e01" * 999,
    ],
)
def test_odd_texts_are_decided_about(text: str) -> None:
    with served() as call:
        reply = call.decide(text)
        assert reply.status == 200
        assert reply.json["decisions"][0]["status"] in ("answered", "empty")


def test_a_text_of_ten_million_bytes_is_refused_at_once() -> None:
    with served() as call:
        assert call.decide("a" * 10_000_000).status == 413
