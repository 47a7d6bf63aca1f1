"""A tiny model, a table of people, and the options of a command about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanfair.data.tables import write_table
from tests.support import tiny_judge as tiny
from tests.support.commands import PROMPT


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny random Llama as transformers saves it."""
    path = tmp_path_factory.mktemp("model")
    tiny.model().save_pretrained(path)
    tiny.tokenizer().save_pretrained(path)
    return str(path)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    races = ["Black", "White", "White", "Black"]
    rows = [
        {"age": str(20 + i), "race": races[i % 4], "right": "yes" if i % 3 else "no"}
        for i in range(48)
    ]
    return write_table(tmp_path / "people.csv", rows)


@pytest.fixture
def given(folder: str, people: Path, tmp_path: Path) -> dict[str, Any]:
    """Options of `decide`."""
    (tmp_path / "prompt.txt").write_text(PROMPT + "\n")
    return {
        "--model": folder, "--prompt": tmp_path / "prompt.txt", "--options": "yes,no",
        "--in": people, "--attribute": "race", "--values": "Black,White", "--min-captured": 0,
    }  # fmt: skip
