"""Fine-tuning inside a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

import leanfair
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.setup import open_run
from leanfair.pruning.run.state import Run
from leanfair.pruning.run.tuning import tune
from tests.support.nets import samples, tiny
from tests.support.tiny_text import llama


def opened(train: Any = None, trainer: Any = None) -> Run:
    model = tiny()
    given = {"cut": 0.3, "criterion": "l1", "latency_batches": (), "batch_size": 16}
    settings = settings_from(None, given, model)
    return open_run(
        model, settings, samples(24), train, None, RunDirectory(None), False, trainer, None
    )


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in model.parameters()])


def test_a_pass_sees_every_training_sample_once() -> None:
    run, child = opened(samples(64, seed=3)), tiny(seed=4)
    before = weights(child)
    tune(run, child, 1.0, "winner", 1)
    assert run.images == 64
    assert not torch.equal(weights(child), before)
    assert not child.training


def test_without_training_data_or_epochs_nothing_changes() -> None:
    child = tiny(seed=4)
    before = weights(child)
    tune(opened(), child, 1.0, "winner", 1)
    tune(opened(samples(64, seed=3)), child, 0.0, "winner", 1)
    assert torch.equal(weights(child), before)


def test_features_are_found_anew_after_training_of_either_kind() -> None:
    for run in (opened(samples(64, seed=3)), opened(trainer=lambda network, epochs: None)):
        child = tiny(seed=4)
        [first] = run.features.of(child, None)
        tune(run, child, 0.0, "winner", 1)
        assert next(run.features.of(child, None)) is first
        tune(run, child, 1.0, "winner", 1)
        assert next(run.features.of(child, None)) is not first


def test_each_use_has_an_order_of_its_own() -> None:
    run = opened(samples(64, seed=3))
    other = replace(run.task, settings=replace(run.task.settings, seed=5))
    assert run.task.seed("winner", 1) != run.task.seed("winner", 2) != other.seed("winner", 2)


def test_what_only_training_heeds_is_put_back() -> None:
    def trainer(network: Any, epochs: float) -> None:
        network.model.gradient_checkpointing = True  # as transformers' Trainer does
        network.config.use_cache = False

    ids = torch.randint(2, 64, (8, 9))
    model: Any = llama()
    model.config.use_cache = True
    run = leanfair.prune(
        model, calibration=[{"input_ids": ids}], cut=0.1, of="params", fine_tune=trainer,
        candidate_epochs=0, round_epochs=1, criterion="l1", latency_batches=(),
    )  # fmt: skip
    pruned: Any = run.model
    assert run.summary["stock"] is True
    assert pruned.config.use_cache is True
    assert not any(getattr(m, "gradient_checkpointing", False) for m in pruned.modules())
