"""Answers and decisions survive JSON, and the old names of that still work."""

from __future__ import annotations

import json

import pytest

import leanfair
from leanfair.fairness.types import Answer, Decision, Variation, conversation

ANSWER = Answer("answered", {"yes": 0.75, "no": 0.25}, captured=0.5, text="Yes.")


def test_an_answer_comes_back_from_json_as_it_was() -> None:
    assert Answer.from_dict(json.loads(json.dumps(ANSWER.to_dict()))) == ANSWER


def test_a_variation_is_judged_by_its_record_where_it_has_one() -> None:
    assert Variation("black", "race: black").item == "race: black"
    assert Variation("black", "race: black", record={"race": "black"}).item == {"race": "black"}


def test_the_old_names_warn_and_do_the_same() -> None:
    decision = Decision("yes", ANSWER.probabilities, "answered")
    with pytest.warns(DeprecationWarning, match="Answer.to_json .*to_dict"):
        assert ANSWER.to_json() == ANSWER.to_dict()
    with pytest.warns(DeprecationWarning, match="Answer.from_json .*from_dict"):
        assert Answer.from_json(ANSWER.to_dict()) == ANSWER
    with pytest.warns(DeprecationWarning, match="Decision.to_json .*to_dict"):
        assert decision.to_json() == decision.to_dict()


TURNS = [
    {"role": "user", "content": "I am a Black man. Will you hire me?"},
    {"role": "assistant", "content": "Tell me more."},
]


def test_a_list_of_turns_is_read_as_a_conversation() -> None:
    assert conversation(TURNS) == (
        "user: I am a Black man. Will you hire me?\n\nassistant: Tell me more."
    )
    found = leanfair.vary(TURNS, "race")  # type: ignore[arg-type]
    assert len(found) == 5
    assert {one.text for one in leanfair.vary(found[1].item, "race")} == {o.text for o in found}
    seen: list[str] = []

    def judged(texts: list[str]) -> list[list[float]]:
        seen.extend(texts)
        return [[0.9, 0.1]] * len(texts)

    judge = leanfair.Judge(judged, "{text}", ["yes", "no"])
    assert [one.status for one in judge.decide([TURNS, "He is here."])] == ["answered"] * 2
    assert conversation(TURNS) in seen


def test_what_is_no_list_of_turns_is_no_conversation() -> None:
    for item in ([], "a", [{"role": "user"}], [{"role": "user", "content": 3}], [1], {"role": "x"}):
        assert conversation(item) is None
