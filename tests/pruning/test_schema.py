"""What a run writes is what the schema says, to the last key."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import leanfair
from leanfair.files.checked_json import read_json
from leanfair.pruning.cut_schema import CutEntry
from leanfair.pruning.schema import (
    RecipeEntry,
    RunRecord,
    SettingsEntry,
    StepRecord,
    Summary,
)
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.recipe import Recipe
from tests.support.nets import samples, tiny
from tests.support.schemas import misfits
from tests.support.summaries import RUNS, UNTRAINED, produced


@pytest.mark.parametrize("kind", RUNS)
def test_every_kind_of_run_writes_a_summary(kind: str) -> None:
    assert misfits(produced(kind), Summary, "summary") == []


def test_the_files_of_a_run_directory_are_as_the_schema_says(tmp_path: Path) -> None:
    data = samples(32, 1)
    leanfair.prune(tiny(14), calibration=data, cut=0.2, out=tmp_path, **UNTRAINED)
    for name, kind in (
        ("run", RunRecord),
        ("steps", list[StepRecord]),
        ("cuts", list[CutEntry]),
        ("summary", Summary),
    ):
        assert misfits(read_json(tmp_path / f"{name}.json"), kind, name) == []
    assert read_json(tmp_path / "steps.json")


def test_the_settings_in_a_summary_are_all_settings() -> None:
    assert list(SettingsEntry.__annotations__) == [field.name for field in fields(Settings)]
    assert list(RecipeEntry.__annotations__) == [field.name for field in fields(Recipe)]


@pytest.mark.parametrize("change", ["missing", "extra", "inside", "number", "choice"])
def test_what_is_no_summary_is_found(change: str) -> None:
    found = dict(produced("plain"))
    if change == "missing":
        del found["tokens"]
    elif change == "extra":
        found["colour"] = "red"
    elif change == "inside":
        del found["steps"][1]["cka"]["layer"]
    elif change == "number":
        found["seconds"] = float("nan")
    else:
        found["quality"] = "beauty"
    assert len(misfits(found, Summary, "summary")) == 1
