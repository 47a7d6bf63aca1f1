"""A recipe says how a network is fine-tuned, or is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.pruning.training.fine_tune import Recipe


@pytest.mark.parametrize(
    ("recipe", "rates"),
    [
        (Recipe(lr=1.0), {0.0: 1.0, 0.5: 0.5, 1.0: 0.0}),
        (Recipe(lr=1.0, schedule="constant"), {0.0: 1.0, 0.9: 1.0}),
        (
            Recipe(lr=1.0, schedule="steps", milestones=(0.5, 0.75)),
            {0.0: 1.0, 0.49: 1.0, 0.5: 0.1, 0.74: 0.1, 0.75: 0.01},
        ),
        (
            Recipe(lr=1.0, schedule="constant", warmup=0.2),
            {0.0: 0.1, 0.1: 0.55, 0.2: 1.0, 1.0: 1.0},
        ),
        (Recipe(lr=1.0, warmup=1.0), {0.0: 0.1, 0.5: 0.275, 1.0: 0.0}),
    ],
)
def test_the_learning_rate_follows_its_schedule(recipe: Recipe, rates: dict[float, float]) -> None:
    for done, rate in rates.items():
        assert recipe.rate(done) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "magic"}, {"schedule": "wild"}, {"precision": "fp4"}, {"lr": 0.0},
        {"lr": float("nan")}, {"lr": "fast"}, {"momentum": 1.0}, {"weight_decay": -1.0},
        {"distill": 1.5}, {"temperature": 0.0}, {"batch_size": 0}, {"batch_size": 1.5},
        {"milestones": (0.5, 2.0)}, {"warmup": 1.5}, {"warmup": True}, {"clip": -1.0},
        {"clip": None}, {"lora": -1}, {"lora": 2.0}, {"lora": True},
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Recipe(**wrong)
