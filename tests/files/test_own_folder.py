"""A folder says what it is, and nothing that leanfair did not write is replaced in it."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.files import own_folder
from leanfair.files.own_folder import NAME, check_own, claim, expect, put, read_own, settle, verify

WRITTEN = ("*.json", "report.html")


def owned(folder: Path) -> Path:
    claim(folder, "prune", WRITTEN)
    return folder


def test_what_it_is_stands_in_it(tmp_path: Path) -> None:
    entry = json.loads((owned(tmp_path / "run") / NAME).read_text())
    assert entry["kind"] == "prune"
    assert entry["files"] == {}
    assert set(entry) == {"kind", "format", "leanfair", "created", "files"}


def test_what_is_put_there_is_read_again_and_counts(tmp_path: Path) -> None:
    folder = owned(tmp_path)
    put(folder, {"a.json": b"[1]", "b.json": b"[2]"})
    assert read_own(folder, "a.json", list[int]) == [1]
    put(folder, {"a.json": b"[3]"})
    settle(folder)
    assert read_own(folder, "a.json", list[int]) == [3]
    verify(folder, "b.json")


@pytest.mark.parametrize("content", [b"[2]", b"[1] ", b"[1", b""])
def test_what_was_changed_since_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = owned(tmp_path)
    put(folder, {"a.json": b"[1]"})
    (folder / "a.json").write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"a\.json"):
        read_own(folder, "a.json", list[int])
    with pytest.raises(RunDirectoryError, match="damaged or replaced"):
        verify(folder, "a.json")


def test_an_earlier_content_of_its_own_is_refused_too_once_it_is_settled(tmp_path: Path) -> None:
    folder = owned(tmp_path)
    put(folder, {"a.json": b"[1]"})
    put(folder, {"a.json": b"[2]"})
    settle(folder)
    (folder / "a.json").write_bytes(b"[1]")
    with pytest.raises(RunDirectoryError, match="damaged"):
        verify(folder, "a.json")


class Killed(BaseException):
    pass


def test_a_kill_at_any_moment_leaves_files_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two kills in a row, each before any of the moves."""
    replace = os.replace

    def killed_after(moves: int, folder: Path, content: bytes) -> None:
        left = moves

        def dying(source: object, target: object) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            replace(source, target)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "replace", dying)
        with pytest.raises(Killed):
            put(folder, {"a.json": content})
        monkeypatch.setattr(os, "replace", replace)

    for first in range(2):
        for second in range(2):
            folder = owned(tmp_path / f"{first}{second}")
            put(folder, {"a.json": b"[1]"})
            killed_after(first, folder, b"[2]")
            killed_after(second, folder, b"[3]")
            assert read_own(folder, "a.json", list[int]) == [1]
            put(folder, {"a.json": b"[4]"})
            assert read_own(folder, "a.json", list[int]) == [4]


@pytest.mark.parametrize("name", ["summary.json", "report.html", "REPORT.HTML", NAME])
def test_a_folder_of_the_users_own_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"my": "file"}')
    with pytest.raises(RunDirectoryError):
        check_own(tmp_path, "prune", WRITTEN)


def test_what_a_run_never_writes_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "sub.json").mkdir()
    check_own(tmp_path, "prune", WRITTEN)
    check_own(tmp_path / "not-there", "prune", WRITTEN)


def test_a_folder_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    owned(tmp_path)
    check_own(tmp_path, "prune", WRITTEN)
    with pytest.raises(RunDirectoryError, match="directory of a pruning run, not of an audit"):
        check_own(tmp_path, "audit", WRITTEN)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(RunDirectoryError, match="is a file"):
        check_own(tmp_path / "x", "prune", WRITTEN)


def test_a_file_that_came_in_between_is_not_replaced(tmp_path: Path) -> None:
    folder = owned(tmp_path)
    (folder / "a.json").write_bytes(b"mine")
    with pytest.raises(RunDirectoryError, match="did not write"):
        put(folder, {"a.json": b"[1]"})
    assert (folder / "a.json").read_bytes() == b"mine"


def test_what_an_earlier_version_left_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[1]")
    assert read_own(tmp_path, "a.json", list[int]) == [1]
    verify(tmp_path, "a.json")
    owned(tmp_path)
    assert read_own(tmp_path, "a.json", list[int]) == [1]
    put(tmp_path, {"a.json": b"[2]"})


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"kind": "other"}', "[" * 100_000])
def test_a_broken_mark_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(RunDirectoryError, match=NAME):
        check_own(tmp_path, "prune", WRITTEN)


def test_a_later_format_names_the_version(tmp_path: Path) -> None:
    entry = json.loads((owned(tmp_path) / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps({**entry, "format": 9, "leanfair": "7.0"}))
    with pytest.raises(RunDirectoryError, match=r"leanfair 7\.0"):
        check_own(tmp_path, "prune", WRITTEN)


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    folder = owned(tmp_path)
    put(folder, {"a.json": b"[1]", "b.json": b"[2]"})
    (folder / "a.json").unlink()
    expect(folder, {"c.json": sha256(b"").hexdigest()})
    assert list(json.loads((folder / NAME).read_text())["files"]) == ["b.json", "c.json"]
    assert own_folder.FORMAT == 1
