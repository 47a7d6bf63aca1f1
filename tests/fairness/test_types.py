"""Answers and decisions survive JSON, and the old names of that still work."""

from __future__ import annotations

import json

import pytest

from leanfair.fairness.types import Answer, Decision, Variation

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
