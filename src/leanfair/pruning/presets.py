"""What holds where nothing is said: the preset of the paper, and defaults that fit the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leanfair.data.language import is_embedding, is_language_model, is_transformer
from leanfair.options import check_names, options_of
from leanfair.pruning.settings import BUDGETS, OF_ROUNDS, Settings, renamed
from leanfair.pruning.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

PAPER: dict[str, Any] = {
    # An epoch of the official code sees three augmented copies of every image, hence the factor.
    "criterion": "kl",
    "layers_per_round": 1,
    "match": "filters",
    "spread": "uniform",
    "reconstruct": False,
    "candidate_epochs": 3 * 10.0,
    "round_epochs": 3 * 190.0,
    "final_epochs": 0.0,
    "recipe": Recipe(
        optimizer="sgd",
        lr=0.01,
        momentum=0.9,
        weight_decay=2e-4,
        batch_size=128,
        schedule="steps",
        milestones=(102 / 190, 152 / 190),
    ),
    "min_layers": 2,
    "score_samples": 5000,
    "stop_when_layers_end": True,
}
"""The official recipe for CIFAR (arXiv 2506.04513): its decisions, not its flaws. Where it differs
from the official code: CKA and the accuracy along the way are taken on calibration data, never on
test data; KL is taken on log-probabilities; shares that do not come out even are rounded by largest
remainder, not by chance; the L1 score of a block is normalised by fan-in."""

PRESETS: dict[str, dict[str, Any]] = {"paper": PAPER}

TEXT = Recipe(
    optimizer="adamw",
    lr=2e-4,
    weight_decay=0.01,
    batch_size=8,
    warmup=0.05,
    clip=1.0,
    distill=0.5,
    temperature=1.0,
)
"""For a language model: every sample has many tokens, and each is a lesson. The text that it learns
from is little beside all that it knows, which the original's outputs keep."""
CLASSIFIER = replace(TEXT, lr=1e-4, batch_size=32, distill=0.0, temperature=4.0)
"""For any other transformer, of text or of images."""
OF_TRAINING = ("reconstruct", "layers_per_round")
"""The settings whose defaults hang on whether something is trained."""
LORA_LR = 5.0
"""How many times the learning rate of all weights LoRA takes: few directions have to go farther."""


def settings_from(
    preset: str | None,
    given: Mapping[str, Any],
    model: nn.Module | None = None,
    trained: bool = True,
) -> Settings:
    """The defaults that fit `model`, overridden by the preset, overridden by what is `given`.

    A field of the recipe may be given by its own name, as in ``lr=0.05``. `trained`: whether there
    is something to train on, or with. Raises OptionError for a name or a value that there is not.
    """
    now, old = renamed(given)
    for sentence in old:
        warnings.warn(sentence, DeprecationWarning, stacklevel=3)
    own, recipes = options_of(Settings), options_of(Recipe)
    known = {**own, **recipes}
    check_names(now, known)
    for name, value in {"preset": preset, **now}.items():
        known[name].check(value)
    values = {**fitting(model), **(PRESETS[preset] if preset else {}), **now, "preset": preset}

    def idle(budgets: Sequence[str]) -> bool:
        return not trained or not any(values.get(name, getattr(Settings, name)) for name in budgets)

    if model is not None:  # training soon makes up for as much, and for more
        values.setdefault("reconstruct", idle(BUDGETS))
    if idle(OF_ROUNDS):
        values.setdefault("layers_per_round", 1)  # smaller rounds cost nothing, and choose finer
    recipe = values.get("recipe", recipe_for(model, bool(values.get("lora"))))
    changes = {name: value for name, value in values.items() if name in recipes}
    rest = {name: value for name, value in values.items() if name in own}
    return Settings(**{**rest, "recipe": replace(recipe, **changes) if changes else recipe})


def fitting(model: nn.Module | None) -> dict[str, Any]:
    """Defaults for transformers: less of what takes a large model long. To try out one structure
    after the other takes a language model hours, and kl, which estimates nearly all of them, some
    tens of passes; contribution needs one."""
    if model is None or not _attends(model):
        return {}
    if not is_language_model(model):
        return {"latency_batches": (1, 8)}
    return {
        "latency_batches": (1, 8),
        "criterion": "contribution",
        "score_samples": 32,
        "candidate_epochs": 0.0,
        "round_epochs": 0.1,
        "final_epochs": 1.0,
    }


def recipe_for(model: nn.Module | None, lora: bool = False) -> Recipe:
    """How `model` is fine-tuned where nothing is said about it, perhaps but that by LoRA."""
    if model is None or not _attends(model):
        return Recipe()
    recipe = TEXT if is_language_model(model) else CLASSIFIER
    if is_embedding(model):
        recipe = replace(recipe, distill=1.0)  # a representation has no labels
    return replace(recipe, lr=LORA_LR * recipe.lr) if lora else recipe


def _attends(model: nn.Module) -> bool:
    """Whether it is a transformer: the library of that name has convolutional networks, too."""
    if not is_transformer(model):
        return False
    heads = getattr(model.config, "num_attention_heads", None)
    return bool(is_language_model(model) or heads)
