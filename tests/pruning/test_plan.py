"""A plan tells the cuts of the next round, which the run then makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import RunDirectoryError
from leanfair.pruning.plan import look_ahead, plan
from tests.support.nets import samples, tiny

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
