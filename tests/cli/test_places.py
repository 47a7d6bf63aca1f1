"""No two of a command's places are one, and nothing of somebody else's is replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leanfair.cli.places import (
    check_apart,
    check_onnx,
    check_table,
    is_there,
    of_judging,
    of_run,
)
from leanfair.data.tables import write_table
from leanfair.errors import InputError, OptionError

ADDED = ("decision", "flipped")


@pytest.mark.parametrize("other", ["a.csv", "./a.csv", "sub/../a.csv", "link.csv", "hard.csv"])
def test_one_place_by_two_names_is_told(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("a.csv")
    os.link("a.csv", "hard.csv")
    with pytest.raises(OptionError) as caught:
        check_apart([("out", "a.csv"), ("store", "s.jsonl")], [("table", other), ("prompt", "p")])
    assert set(caught.value.names) == {"out", "table"}
    with pytest.raises(OptionError):
        check_apart([("out", "new.csv"), ("store", "sub/../new.csv")], [])
    check_apart([("out", "b.csv"), ("store", "s.jsonl")], [("table", other), ("model", "http://a")])


def test_the_files_of_a_run_are_places_too() -> None:
    for store in ("run", "run/summary.json", "./run/decisions.csv"):
        with pytest.raises(OptionError):
            check_apart([*of_run("run/", ("summary.json", "decisions.csv")), ("store", store)], [])
    check_apart([*of_run("run", ("summary.json",)), ("store", "run/answers.jsonl")], [])
    check_apart(of_run("", ()), [])


def test_what_is_read_is_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("x")
    given = {
        "table": str(tmp_path / "p.csv"), "prompt": "Hire {text}? " * 500, "model": "http://a/v1",
        "attribute": ["race", str(tmp_path / "p.csv")],
    }  # fmt: skip
    assert [name for name, _ in of_judging(given)] == ["table", "attribute"]


@pytest.mark.parametrize("content", ["name,decision\na,b\n", "{}", "\0", "a"])
def test_a_table_of_somebody_else_is_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "o.csv").write_text(content)
    with pytest.raises(InputError, match="did not write it"):
        check_table(str(tmp_path / "o.csv"), ADDED)


def test_an_own_or_empty_or_new_table_is(tmp_path: Path) -> None:
    check_table(str(tmp_path / "o.csv"), ADDED)
    (tmp_path / "o.csv").write_text("")
    check_table(str(tmp_path / "o.csv"), ADDED)
    write_table(tmp_path / "o.csv", [{"a": 1, "decision": "yes", "flipped": None}])
    check_table(str(tmp_path / "o.csv"), ADDED)
    write_table(tmp_path / "o.csv", [{"Decision": "mine", "leanfair_decision": "", "flipped": ""}])
    check_table(str(tmp_path / "o.csv"), ADDED)


def test_only_an_onnx_file_of_ours_is_replaced(tmp_path: Path) -> None:
    check_onnx(str(tmp_path / "new.onnx"))
    (tmp_path / "a.onnx").write_bytes(b"\x08\x0a\x12\x08leanfair\x1a\x050.1.0")
    check_onnx(str(tmp_path / "a.onnx"))
    (tmp_path / "a.onnx").write_bytes(b"\x08\x0a\x12\x07pytorch\x1a\x050.1.0")
    with pytest.raises(InputError, match="did not write it"):
        check_onnx(str(tmp_path / "a.onnx"))


def test_a_long_text_is_no_place() -> None:
    assert not is_there("x" * 5000)
    assert not is_there("\0")
