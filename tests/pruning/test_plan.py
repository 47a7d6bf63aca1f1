"""A plan tells the cuts of the next round, which the run then makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.errors import RunDirectoryError
from leanfair.pruning.plan import look_ahead, plan
from tests.support.nets import samples, tiny
from tests.support.tiny_text import llama

GIVEN: dict[str, Any] = {
    "calibration": samples(16), "cut": 0.3, "criterion": "l1", "min_layers": 1,
    "latency_batches": (),
}  # fmt: skip


def test_the_run_makes_what_is_planned_and_nothing_is_written(tmp_path: Path) -> None:
    ahead = look_ahead(tiny(), out=tmp_path, **GIVEN)
    run = leanfair.prune(tiny(), **GIVEN)
    assert not list(tmp_path.iterdir())
    assert ahead.round == 1
    assert ahead.cuts == tuple(plan(tiny(), **GIVEN))
    assert run.steps[0].cut in ahead.cuts
    assert ahead.macs == run.summary["macs"]["before"]


def test_where_a_run_is_over_nothing_is_left_to_plan(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), out=tmp_path, **GIVEN)
    ahead = look_ahead(tiny(), out=tmp_path, **GIVEN)
    assert ahead.cuts == ()
    assert ahead.round == len(run.steps) + 1
    assert ahead.removed == pytest.approx(run.summary["removed"])
    assert ahead.stopped_because == "the target is met"
    with pytest.raises(RunDirectoryError, match="another model"):
        plan(tiny(seed=1), out=tmp_path, **GIVEN)


def test_a_run_that_trained_nothing_is_planned_by_its_own_settings(tmp_path: Path) -> None:
    rows = torch.randint(5, 20, (12, 16), generator=torch.Generator().manual_seed(0)).split(4)
    texts = [{"input_ids": ids} for ids in rows]
    given: dict[str, Any] = {**GIVEN, "calibration": texts, "cut": 0.2, "of": "params"}
    run = leanfair.prune(llama(), out=tmp_path, **given)
    assert run.summary["settings"]["reconstruct"]
    assert look_ahead(llama(), out=tmp_path, **given).round == len(run.steps) + 1
    with pytest.raises(RunDirectoryError, match="reconstruct True, not False"):
        look_ahead(llama(), out=tmp_path, **given, reconstruct=False)


@pytest.mark.parametrize("epochs", [0, 0.5])
def test_a_plan_takes_as_many_layers_at_once_as_the_run(tmp_path: Path, epochs: float) -> None:
    given: dict[str, Any] = {
        **GIVEN, "only": "layer", "candidate_epochs": epochs, "round_epochs": 0, "final_epochs": 0,
    }  # fmt: skip
    run = leanfair.prune(tiny(), out=tmp_path, train=samples(16), **given)
    many = run.summary["settings"]["layers_per_round"]
    assert many == ("auto" if epochs else 1)
    assert look_ahead(tiny(), out=tmp_path, **given).round == len(run.steps) + 1
