"""What is written down of decisions: enough for an audit, and no text."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from leanfair.errors import InputError, RunDirectoryError
from leanfair.serving.record import Record
from tests.support.served import fair

SECRET = "He is a Black man, and his secret is safe."


def test_a_line_tells_how_it_went_and_not_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "new" / "served.jsonl"
    record = Record(path)
    record.add(fair().decide([SECRET, "A clerk."]))
    record.add([])
    record.close()
    varied, alone = (json.loads(line) for line in path.read_text().splitlines())
    assert varied["decision"] == "yes"
    assert varied["flipped"] is True
    assert varied["value"] == "black"
    assert varied["values"] == {"black": "no", "white": "yes"}
    assert (alone["value"], alone["values"], alone["flipped"]) == (None, {}, None)
    assert "secret" not in path.read_text()
    assert "clerk" not in path.read_text()


def test_it_is_its_owner_s_alone_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "served.jsonl"
    for _ in range(2):
        record = Record(path)
        record.add(fair().decide(["A clerk."]))
        record.close()
    assert len(path.read_text().splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Record(tmp_path)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    record = Record("/dev/full")
    with pytest.raises(RunDirectoryError, match="No space"):
        record.add(fair().decide(["A clerk."]))
