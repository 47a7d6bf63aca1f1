"""`leanfair compare`, from the words to the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import complaint


def test_two_models_and_data_give_a_page(leanfair: Any, weights: str, tmp_path: Path) -> None:
    out = tmp_path / "c"
    result = leanfair(
        "compare",
        weights,
        weights,
        "--data",
        "digits",
        "--out",
        out,
        "--threads",
        1,
        "--no-attacks",
        "--no-corruptions",
    )
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data"]["samples"] == 449
    assert summary["quality"]["accuracy"]["lost"] == 0
    assert (out / "report.html").exists()
    assert summary["headline"][0] in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.safetensors", "WEIGHTS", "--out", "OUT"], "There is no file"),
        (["WEIGHTS", "WEIGHTS"], "Give --out"),
        (["WEIGHTS", "WEIGHTS", "--out", ""], "--out must not be empty"),
        (["WEIGHTS", "WEIGHTS", "--out", "WEIGHTS"], "both name"),
        (["WEIGHTS", "--out", "OUT"], "name a second one"),
        (
            ["WEIGHTS", "WEIGHTS", "--data", "digits", "--length", 8, "--out", "OUT"],
            "means nothing",
        ),
    ],
)
def test_bad_input_is_one_sentence(
    leanfair: Any, weights: str, tmp_path: Path, arguments: list[Any], sentence: str
) -> None:
    places = {"WEIGHTS": weights, "OUT": str(tmp_path / "out")}
    result = leanfair("compare", *[places.get(word, word) for word in arguments])
    assert sentence in complaint(result)
    assert not (tmp_path / "out").exists()
