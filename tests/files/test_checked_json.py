"""What is read back is what its type says, or is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from typing_extensions import NotRequired, TypedDict

from leanfair.errors import RunDirectoryError
from leanfair.files import checked_json
from leanfair.files.checked_json import DamagedError, checked, parsed, read_bytes, read_json


class Item(TypedDict):
    name: str
    kind: Literal["a", "b"]
    share: float | None
    more: NotRequired[list[int]]


GOOD = {"name": "größer", "kind": "a", "share": 1}


def test_what_is_right_comes_back_equal(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([GOOD, {**GOOD, "share": None, "more": [1]}]))
    found = read_json(tmp_path / "a.json", list[Item])
    assert found == [GOOD, {**GOOD, "share": None, "more": [1]}]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({**GOOD, "name": 5}, "name"),
        ({**GOOD, "kind": "c"}, "kind"),
        ({**GOOD, "share": "0.5"}, "share"),
        ({**GOOD, "share": []}, "share"),
        ({**GOOD, "more": [1, True]}, "more.1"),
        ({**GOOD, "more": [1.5]}, "more.0"),
        ({**GOOD, "more": None}, "more"),
        ({"name": "x"}, "kind"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(tmp_path: Path, content: object, place: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(RunDirectoryError, match=rf"a\.json cannot be read: at {place}\b") as caught:
        read_json(tmp_path / "a.json", Item)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b'{"a": 1,}', b"\xff\xfe\x00", bytes(range(256)), b"null", b"[]", b"5", b'"x"',
        b"[" * 200_000, b'{"a":' * 200_000, b'{"share": NaN}', b'{"share": -Infinity}',
        b'{"share": 1e999}', b'{"n": 1' + b"0" * 10_000 + b"}",
    ],
    ids=range(15),
)  # fmt: skip
def test_broken_json_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"a\.json cannot be read") as caught:
        read_json(tmp_path / "a.json", Item)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_numbers_that_are_not_finite_are_refused_whatever_the_type() -> None:
    for text in ("NaN", "[1, Infinity]", '{"a": 1e400}'):
        with pytest.raises(DamagedError, match="no finite number"):
            parsed(text)


def test_no_more_than_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("[" + "1," * 1000 + "1]")
    with pytest.raises(RunDirectoryError, match="more than 100 bytes"):
        read_bytes(tmp_path / "a.json", 100)
    assert checked_json.LARGEST <= 1 << 28


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="There is no file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        read_json(tmp_path)


def test_values_of_other_parsers_are_checked_alike() -> None:
    assert checked(GOOD, Item) == GOOD
    with pytest.raises(DamagedError, match="at name"):
        checked({**GOOD, "name": None}, Item)
