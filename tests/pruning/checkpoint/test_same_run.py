"""A run is resumed with what it was begun with, or it says what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.pruning.checkpoint.same_run import check_same
from leanfair.pruning.settings import Settings

DATA = {
    "fingerprint": "c", "labels": "cl", "calibration": 4, "train": 8, "test": 2, "input": [1],
    "train_inputs": "t", "train_labels": "tl", "test_inputs": "e", "test_labels": "el",
}  # fmt: skip
ASKED: dict[str, Any] = {
    "format": 1,
    "model": {"fingerprint": "m", "name": "Net"},
    "data": DATA,
    "settings": Settings(cut=0.5).to_json(),
    "fine_tune": None,
}


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("data", {"fingerprint": "x"}, "other calibration data"),
        ("data", {"labels": "x"}, "other labels of the calibration data"),
        ("data", {"train": 7}, "8 samples of train data, not 7"),
        ("data", {"test": None}, "2 samples of test data, not none"),
        ("data", {"train_inputs": "x"}, "other training samples"),
        ("data", {"train_labels": "x"}, "other labels of the training data"),
        ("data", {"test_inputs": "x"}, "other test samples"),
        ("data", {"test_labels": "x"}, "other labels of the test data"),
        ("model", {"fingerprint": "x"}, r"another model \(Net\)"),
        ("settings", {"cut": 0.4}, "cut 0.5, not 0.4"),
        (None, {"fine_tune": "mine.f (12)"}, r"fine_tune is leanfair's own, not mine\.f"),
        (None, {"format": 2}, ""),
    ],
)
def test_every_change_is_told(part: str | None, change: dict[str, Any], told: str) -> None:
    asked = {**ASKED, **change} if part is None else {**ASKED, part: {**ASKED[part], **change}}
    had = {**ASKED, "format": 2} if "format" in change else ASKED
    with pytest.raises(RunDirectoryError, match=told):
        check_same(Path("runs/a"), had, asked)


def test_what_is_the_same_goes_on() -> None:
    check_same(Path("runs/a"), ASKED, ASKED)


def test_what_was_not_written_down_is_not_compared() -> None:
    old = {name: value for name, value in ASKED.items() if name != "fine_tune"}
    old["data"] = {k: v for k, v in DATA.items() if "labels" not in k and "inputs" not in k}
    check_same(Path("runs/a"), old, {**ASKED, "fine_tune": "f"})
    unknown = {**ASKED, "data": {**DATA, "train_inputs": None}}
    check_same(Path("runs/a"), unknown, ASKED)
    check_same(Path("runs/a"), ASKED, {**ASKED, "data": {"fingerprint": "c"}})
