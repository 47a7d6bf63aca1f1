"""A line of a store is an answer, a judge, or nothing."""

from __future__ import annotations

import json

from leanfair.fairness.judge.storing.lines import (
    answer_of,
    judge_of,
    line_of,
    name_of,
    parsed_line,
)
from leanfair.fairness.types import Answer

ANSWER = Answer("answered", {"yes": 0.1 + 0.2, "no": 0.7 - 1e-17}, 1 / 3, "Yes é \ud83d")
JUDGE = {"identity": {"model": "m"}, "prompt": "{text}", "options": {"yes": ["yes"]}}


def test_an_answer_is_read_as_it_was_and_only_under_its_key() -> None:
    line = parsed_line(line_of("k", ANSWER).encode())
    assert answer_of(line) == answer_of(line, "k") == ANSWER
    assert answer_of(line, "other") is None
    assert judge_of(line) is None


def test_a_judge_is_told_by_what_it_says() -> None:
    line = parsed_line(json.dumps({"judge": JUDGE}).encode())
    assert judge_of(line) == JUDGE
    assert answer_of(line) is None
    assert name_of(JUDGE) != name_of({**JUDGE, "prompt": "{name}"})


def test_what_is_neither_is_nothing() -> None:
    for raw in (b"", b"{", b"[]", b'{"judge": 3}', b'{"key": 3}', b"\xff"):
        line = parsed_line(raw)
        assert answer_of(line) is None
        assert judge_of(line) is None
