"""Where a run stands between two rounds, and what brings it on."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.loop import candidate, propose
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.setup import open_run
from leanfair.pruning.run.state import Run, advance
from leanfair.pruning.types import Event
from tests.support.nets import samples, tiny


def opened(listener: Any = None, **given: Any) -> Run:
    model = tiny()
    quick = {"cut": 0.3, "criterion": "l1", "min_layers": 1, "latency_batches": ()}
    settings = settings_from(None, {**quick, **given}, model)
    return open_run(
        model, settings, samples(24), None, None, RunDirectory(None), False, None, listener
    )


def test_a_step_makes_the_child_the_next_parent() -> None:
    told: list[Event] = []
    run = opened(told.append)
    base = run.parent
    cuts = propose(run)
    assert cuts
    made = candidate(run, cuts[0])
    step = advance(run, cuts[0], made.model, {"layer": made.cka, "neurons": None}, 1.5)
    assert step is not None
    assert run.steps == [step]
    assert run.parent.model is made.model
    assert run.parent.cost == cost_of(made.model, run.task.calibration.proof)
    assert run.removed == pytest.approx(1 - step.macs / base.cost.macs)
    assert run.task.base is base
    assert told[-1].step == step


def test_a_step_below_the_floor_of_accuracy_is_not_taken() -> None:
    run = opened(min_accuracy=1.0)
    base = run.parent
    cuts = propose(run)
    assert cuts
    made = candidate(run, cuts[0])
    assert advance(run, cuts[0], made.model, {}, 1.0) is None
    assert "below 1.0" in run.stopped_because
    assert run.parent is base
    assert not run.steps


def test_the_target_is_met_when_its_share_is_removed() -> None:
    run = opened()
    assert not run.met_target()
    run.removed = 0.3
    assert run.met_target()
    assert run.stopped_because == "the target is met"


def test_every_use_of_chance_has_a_seed_of_its_own() -> None:
    task = opened().task
    seeds = {task.seed(purpose, number) for purpose in ("score", "winner") for number in range(3)}
    assert len(seeds) == 6
    assert task.seed("score", 1) == opened().task.seed("score", 1)
    assert torch.initial_seed() not in seeds
