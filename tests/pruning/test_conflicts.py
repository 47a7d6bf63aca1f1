"""Options that mean nothing beside others, for the model or for the data are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import leanfair
from leanfair.errors import InputError
from leanfair.pruning.plan import look_ahead
from tests.support.nets import tiny
from tests.support.words import bert

IMAGES = TensorDataset(torch.randn(6, 1, 8, 8))
TRAIN = TensorDataset(torch.randn(6, 1, 8, 8), torch.zeros(6, dtype=torch.int64))
UNTRAINED = {"candidate_epochs": 0, "round_epochs": 0, "final_epochs": 0}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"train": TRAIN, "lr": 0.1, **UNTRAINED}, "lr is for fine-tuning, but .* are all 0"),
        ({"fine_tune": print, "lr": 0.1}, "lr is for fine-tuning, but fine_tune is a function"),
        ({"train": TRAIN, "temperature": 2.0}, "temperature means nothing where distill is 0"),
        ({"train": TRAIN, "milestones": (0.5,)}, "milestones means nothing where schedule is cos"),
        ({"train": TRAIN, "optimizer": "adamw", "momentum": 0.8}, "momentum means nothing"),
        ({"train": TRAIN, "lora": 4}, "lora trains linear layers, but"),
        ({"free": True}, "free is for models of transformers"),
        ({"pace": 0.2, "only": "layer"}, "pace is for rounds without a layer, but only"),
        ({"score_samples": 7}, "score_samples is 7, but there are 6 calibration samples"),
        ({"score_samples": 2, "criterion": "l1"}, "score_samples means nothing for the criterion"),
        ({"tokenizer": object()}, "tokenizer is for models of texts"),
        ({"resume": True}, "resume needs out"),
        ({"out": " "}, "out must be the name of a directory"),
        ({"repair": True, "reconstruct": True}, "repair is an older name of reconstruct"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    settings: dict[str, Any], named: str, tmp_path: Path
) -> None:
    out = {} if {"out", "resume"} & settings.keys() else {"out": tmp_path / "run"}
    with pytest.raises(InputError, match=named):
        leanfair.prune(tiny(), calibration=IMAGES, cut=0.1, **out, **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "settings", [{"lr": 0.1}, {"distill": 0.5}, {"recipe": leanfair.Recipe()}, {"final_epochs": 1}]
)
def test_settings_of_training_without_training_data_are_told(settings: dict[str, Any]) -> None:
    given = {"criterion": "l1", "min_layers": 1, "latency_batches": (), **settings}
    with pytest.warns(UserWarning, match=f"{next(iter(settings))} is for fine-tuning, but there"):
        leanfair.prune(tiny(), calibration=IMAGES, cut=0.05, **given)


def test_a_plan_refuses_what_does_not_fit_the_model() -> None:
    with pytest.raises(InputError, match="free is for models of transformers"):
        look_ahead(tiny(), calibration=IMAGES, cut=0.1, free=True)


def test_defaults_and_the_preset_are_never_refused() -> None:
    run = leanfair.prune(
        tiny(), calibration=IMAGES, cut=0.05, criterion="l1", preset="paper", latency_batches=()
    )
    assert run.summary["settings"]["score_samples"] == 5000


def test_a_fine_tuning_function_takes_budgets() -> None:
    seen: list[float] = []
    leanfair.prune(
        tiny(), calibration=IMAGES, cut=0.05, criterion="l1", final_epochs=2, latency_batches=(),
        fine_tune=lambda network, epochs: seen.append(epochs),
    )  # fmt: skip
    assert seen[-1] == 2


def test_options_of_transformers_fit_transformers() -> None:
    from leanfair.pruning.conflicts import check_fit
    from leanfair.pruning.presets import settings_from

    given = {"cut": 0.1, "free": True, "temperature": 2.0, "distill": 0.5, "lora": 2}
    model = bert()
    check_fit(given, settings_from(None, given, model), model, [], tokenizer=object())
