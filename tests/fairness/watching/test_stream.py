"""A file that grows, read line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.watching.stream import Served, Stream


def line(**given: Any) -> str:
    return json.dumps({"decision": "yes", "status": "answered", "flipped": False, **given}) + "\n"


def test_each_line_is_read_once_and_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "served.jsonl"
    path.write_text(line(value="black") + line()[:20])
    stream = Stream(path, "value")
    assert list(stream.news()) == [Served("yes", "answered", False, "black")]
    assert list(stream.news()) == []
    with path.open("a") as file:
        file.write(line()[20:] + line(flipped=True))
    assert [each.flipped for each in stream.news()] == [False, True]
    assert stream.broken == 0


def test_a_file_that_is_replaced_or_cut_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "served.jsonl"
    path.write_text(line() * 3)
    stream = Stream(path, "value")
    assert len(list(stream.news())) == 3
    (tmp_path / "new").write_text(line() * 5)
    (tmp_path / "new").replace(path)
    assert len(list(stream.news())) == 5
    path.write_text(line())
    assert len(list(stream.news())) == 1
    path.unlink()
    assert list(stream.news()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "{", "[]", "3", "null", '{"a": 1}', '{"decision": 3, "status": "answered"}',
        '{"decision": "yes", "status": null}', '{"status": "answered", "flipped": "perhaps"}',
        '{"status": "answered", "flipped": 7}', "\\xff", "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_decision_is_counted(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "served.jsonl"
    path.write_text(line() + wrong + "\n\n" + line())
    stream = Stream(path, "value")
    assert len(list(stream.news())) == 2
    assert stream.broken == 1


@pytest.mark.parametrize(
    ("given", "flipped"), [("true", True), ("False", False), ("", None), (None, None)]
)
def test_tables_of_text_are_read_too(given: Any, flipped: Any, tmp_path: Path) -> None:
    path = tmp_path / "decided.jsonl"
    path.write_text(line(flipped=given, race=3))
    assert list(Stream(path, "race").news()) == [Served("yes", "answered", flipped, "3")]


def test_a_store_of_answers_is_none(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"key": "x", "answer": {"status": "answered"}}\n')
    with pytest.raises(InputError, match="does not tell what was decided about whom"):
        list(Stream(path, "value").news())


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no record"):
        Stream(tmp_path / "none", "value")
