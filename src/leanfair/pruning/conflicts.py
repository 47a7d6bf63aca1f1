"""Options that make sense by themselves, but not beside others, this model or these data.

Only what was given is refused: a default, or a preset's value, does no harm where it means nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from torch import nn

from leanfair.data.batches import Source, known_size
from leanfair.data.language import is_transformer
from leanfair.errors import InputError, OptionError
from leanfair.models.streamed import shelf_of
from leanfair.options import options_of
from leanfair.pruning.settings import BUDGETS, Settings, renamed
from leanfair.pruning.training.lora import check_peft, linear_layers
from leanfair.pruning.training.recipe import Recipe

BLIND = ("l1", "random")
"""Criteria that look at no sample."""
STREAMED = ("contribution", "random")
"""Criteria for models that are read block by block."""


def check_fit(
    given: Mapping[str, Any],
    settings: Settings,
    model: nn.Module,
    calibration: Source,
    tokenizer: Any = None,
) -> None:
    """Raise OptionError where an option of those `given` means nothing beside the other settings,
    for `model`, or for `calibration`."""
    asked = renamed(given)[0]
    _check_recipe(asked, settings.recipe)
    _check_model(asked, settings, model)
    if "pace" in asked and settings.only == "layer" and settings.layers_per_round != "auto":
        raise OptionError(
            "{pace} is for rounds without a layer, but {only} offers layers alone: leave one out, "
            "or let {layers_per_round} be auto.",
            "pace",
            "only",
            "layers_per_round",
        )
    if "exact" in asked and settings.criterion != "kl":
        raise OptionError(
            "{exact} is for the {criterion} kl alone: leave it out, or choose that.",
            "exact",
            "criterion",
        )
    for name in ("latency_batch", "latency_table"):
        if asked.get(name) is not None and not settings.timed:
            raise OptionError(
                f"{{{name}}} is for what is decided by times, but {{of}} is {settings.of}, "
                f"{{match}} is {settings.matched}, and {{round_to}} is {settings.round_to}: leave "
                f"it out, or make one of the first two latency, or the last auto.",
                name,
                "of",
                "match",
                "round_to",
            )
    if "score_samples" in asked:
        _check_samples(settings, _size(calibration))
    if tokenizer is not None and not _takes_text(model):
        raise OptionError(
            f"{{tokenizer}} is for models of texts, but {type(model).__name__} takes images: leave "
            f"it out.",
            "tokenizer",
        )


def check_streamed(
    settings: Settings,
    model: nn.Module,
    train: Source | None,
    fine_tune: Callable[..., Any] | None,
) -> None:
    """Raise OptionError where a model that is read block by block is asked for what needs it
    whole."""
    if shelf_of(model) is None:
        return
    why = "a model that is read block by block"
    if fine_tune is not None or train is not None:
        name = "train" if fine_tune is None else "fine_tune"
        raise OptionError(
            f"{{{name}}} is for fine-tuning, but {why} cannot be trained: leave it out, or open "
            f"the model whole.",
            name,
        )
    if settings.criterion not in STREAMED:
        raise OptionError(
            f"{{criterion}} is {settings.to_json()['criterion']}, but for {why} it can be "
            f"{' or '.join(STREAMED)}, which need no more than one pass.",
            "criterion",
        )
    for name, value in (("of", settings.of), ("match", settings.matched)):
        if value in ("latency", "memory"):
            raise OptionError(
                f"{{{name}}} is {value}, which is not measured of {why}: make it macs or params.",
                name,
            )
    if settings.round_to == "auto":
        raise OptionError(
            f"{{round_to}} is auto, by times, which are not measured of {why}: make it a number.",
            "round_to",
        )


def check_training(
    given: Mapping[str, Any],
    settings: Settings,
    train: Source | None,
    fine_tune: Callable[..., Any] | None,
) -> None:
    """Raise OptionError where an option of those `given` is for fine-tuning that is not done, and
    warn where that is for want of training data."""
    asked = renamed(given)[0]
    budgets = [name for name in BUDGETS if asked.get(name)]
    own = [name for name in asked if name == "recipe" or name in options_of(Recipe)]
    if fine_tune is not None:
        why = "{fine_tune} is a function of your own: leave one out."
    elif train is None:
        # Settings are often shared by runs with and without training: saying so is enough.
        for name in (own + budgets)[:1]:
            why = "is for fine-tuning, but there is no training data"
            warnings.warn(f"{name} {why}.", stacklevel=3)
        return
    elif not any(getattr(settings, name) for name in BUDGETS):
        why = "{candidate_epochs}, {round_epochs} and {final_epochs} are all 0: leave it out."
    else:
        return
    if own:
        names = (own[0], "fine_tune", "train", *BUDGETS)
        raise OptionError(f"{{{own[0]}}} is for fine-tuning, but {why}", *names)


def check_place(out: Any, resume: bool) -> None:
    """Raise OptionError for a run directory that is no name, or none to resume from."""
    if out is not None and not str(out).strip():
        raise OptionError("{out} must be the name of a directory, but is empty.", "out")
    if resume and out is None:
        raise OptionError("{resume} needs {out}, the directory of the run.", "resume", "out")


def _check_recipe(asked: Mapping[str, Any], recipe: Recipe) -> None:
    for name, needs, does in (
        ("temperature", "distill", recipe.distill > 0),
        ("milestones", "schedule", recipe.schedule == "steps"),
        ("momentum", "optimizer", recipe.optimizer == "sgd"),
    ):
        if name in asked and not does:
            value = getattr(recipe, needs)
            remedy = {"distill": "above 0", "schedule": "steps", "optimizer": "sgd"}[needs]
            raise OptionError(
                f"{{{name}}} means nothing where {{{needs}}} is {value}: make that {remedy}, or "
                f"leave {{{name}}} out.",
                name,
                needs,
            )


def _check_model(asked: Mapping[str, Any], settings: Settings, model: nn.Module) -> None:
    if asked.get("free") and not is_transformer(model):
        raise OptionError(
            f"{{free}} is for models of transformers, but {type(model).__name__} is none, and has "
            f"per-layer widths anyway: leave it out.",
            "free",
        )
    if settings.recipe.lora:
        if not linear_layers(model):
            raise OptionError(
                f"{{lora}} trains linear layers, but {type(model).__name__} has none besides its "
                f"head: leave it out.",
                "lora",
            )
        check_peft()


def _check_samples(settings: Settings, size: int | None) -> None:
    if settings.criterion in BLIND:
        raise OptionError(
            f"{{score_samples}} means nothing for the {{criterion}} {settings.criterion}, which "
            f"looks at no sample: leave it out.",
            "score_samples",
            "criterion",
        )
    if size is not None and settings.score_samples > size:
        raise OptionError(
            f"{{score_samples}} is {settings.score_samples:,}, but there are {size:,} calibration "
            f"samples: ask for that many at most, or leave it out.",
            "score_samples",
        )


def _size(calibration: Source) -> int | None:
    """How many samples there are, where that can be told without reading them."""
    with suppress(InputError):  # what is no batch is told once the data are read
        return known_size(calibration)
    return None


def _takes_text(model: nn.Module) -> bool:
    """Whether `model` may be one of texts: any that looks tokens up."""
    return any(isinstance(module, nn.Embedding) for module in model.modules())
