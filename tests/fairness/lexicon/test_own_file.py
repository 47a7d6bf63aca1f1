"""The file of an attribute is checked whole; none takes memory, time or files that are not its."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute

GOOD = "name: x\nvalues: [a, b]\nrows: [{word: [c, d]}]\n"
BOMB = "".join(f"l{i}: &l{i} [{','.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    for more in ("", "protected: [White House, 5]\n", "unpaired: []\n", "fields: [x]\n"):
        (tmp_path / "a.yaml").write_text(GOOD + more)
        assert load_attribute(tmp_path / "a.yaml").name == "x"
    for name in ATTRIBUTES:
        assert load_attribute(name).name == name


@pytest.mark.parametrize(
    "content",
    [
        "", "5", "[a]", "null", "a: [", "[" * 20_000, "{a: " * 5_000, "- " * 5_000, "!!python/x y",
        "name: x\nl0: &l0 [lol]\n" + BOMB + "values: [*l11, *l11]\n", "a: &a [*a]\n",
        GOOD + "colour: red\n", GOOD + "rows: 5\n", GOOD + "rows: [5]\n", GOOD + "rows: {}\n",
        GOOD + "rows: [{word: 5}]\n", GOOD + "rows: [{word: [[c], {d: e}]}]\n",
        GOOD + "rows: [{word: ['', d]}]\n", GOOD + "rows: [{word: [null, d]}]\n",
        GOOD + "rows: [{word: [c, d], only: [1]}]\n", GOOD + "rows: [{nothing: [c, d]}]\n",
        GOOD + "protected: [[1], {}]\n", GOOD + "protected: White House\n",
        GOOD + "fields: {a: b}\n", GOOD + "heads: 5\n", GOOD + "unpaired: 5\n",
        GOOD + "unpaired: [{word: 5}]\n", GOOD + "schemes: [5]\n", GOOD + "axes: 5\n",
        GOOD + "axes: {}\n", GOOD + "values: 5\n", GOOD + "values: [a, a]\n", GOOD + "first: {}\n",
        GOOD + "first: {a: {b: [c]}}\ninclude: ../../../etc/passwd\n", GOOD + "names: [1]\n",
        GOOD + "include: /etc/passwd\n", GOOD + "first: {}\ninclude: english\n",
    ],
    ids=range(37),
)  # fmt: skip
def test_what_is_not_is_one_sentence_soon(tmp_path: Path, content: str) -> None:
    (tmp_path / "own.yaml").write_text(content)
    with pytest.raises(InputError) as caught:
        load_attribute(tmp_path / "own.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_bytes_and_long_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(os.urandom(300))
    with pytest.raises(InputError):
        load_attribute(tmp_path / "own.yaml")
    (tmp_path / "own.yaml").write_text(GOOD + "# " + "x" * 5_000_000)
    with pytest.raises(InputError, match="characters"):
        load_attribute(tmp_path / "own.yaml")
