"""Everything that can be set about a run, its defaults, and the preset of the paper."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from leanfair.data.language import is_language_model, is_transformer
from leanfair.errors import InputError
from leanfair.pruning.cost.macs import TARGETS, Target
from leanfair.pruning.criteria.criteria import Criterion, criterion_named
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.types import Kind

if TYPE_CHECKING:
    from torch import nn

Match = Literal["macs", "params", "filters"]
Spread = Literal["cheapest", "least", "uniform"]


@dataclass(frozen=True)
class Settings:
    """How a network is pruned. Epochs are passes over the training data, and may be fractions."""

    cut: float
    """The share of the cost to remove, between 0 and 1."""
    of: Target = "macs"
    """Which cost: macs, params, latency (measured here) or memory."""
    criterion: str | Criterion = "kl"
    """kl, l1, cka, fisher, contribution, random, or a function like those of these names in
    `leanfair.pruning.criteria.criteria`."""
    match: Match | None = None
    """What both candidates save equally much of; by default params for that target, else macs."""
    spread: Spread = "cheapest"
    """Which neurons go: those with the least importance for what they save ("cheapest"), those with
    the least importance whatever they save ("least"), or the same share of every layer, in it the
    least important ("uniform", as in the paper)."""
    seed: int = 0
    """What all chance in the run is drawn from."""
    candidate_epochs: float = 0.1
    """Fine-tuning of each candidate before the choice."""
    round_epochs: float = 0.5
    """Fine-tuning of the winner of each round."""
    final_epochs: float = 3.0
    """Fine-tuning of the last network."""
    recipe: Recipe = field(default_factory=Recipe)
    """How fine-tuning is done."""
    min_accuracy: float | None = None
    """Stop before the accuracy on the calibration data falls below this, and keep the network that
    was last above it."""
    min_layers: int = 2
    """How many blocks of a stage have to stay, its first one among them."""
    min_neurons: int = 1
    """How many neurons of a layer have to stay."""
    round_to: int = 1
    """Keep the number of neurons a multiple of this, where the hardware is fast at that."""
    layers_per_round: int = 1
    """How many blocks the layer candidate loses at once."""
    pace: float = 0.1
    """The share of the current cost that a round saves when there is no layer to match."""
    score_samples: int = 256
    """How many of the calibration samples the criterion sees."""
    debiased: bool = False
    """Choose by the debiased CKA, for few calibration samples."""
    stop_when_layers_end: bool = False
    """Do not go on with neurons alone."""
    reconstruct: bool = False
    """Let those neurons that stay make up for those that go, by least squares over the calibration
    data: recovery without training."""
    only: Kind | None = None
    """Offer candidates of one kind alone, "layer" or "neurons", matched in cost as ever: the two
    halves of the method, as baselines."""
    free: bool = False
    """Let every layer keep its own number of heads and units; else they stay alike, so that
    transformers loads the result as it is."""
    latency_batches: tuple[int, ...] = (1, 128)
    """Batch sizes at which latency is measured before and after."""
    preset: str | None = None
    """The named settings that these began with, such as paper."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def matched(self) -> Match:
        """What both candidates save equally much of."""
        return self.match or ("params" if self.of == "params" else "macs")

    def to_json(self) -> dict[str, Any]:
        """The settings in plain JSON types; a function of the user's is told by its name."""
        data = asdict(self)
        if callable(self.criterion):
            data["criterion"] = getattr(self.criterion, "__name__", "custom")
        data["latency_batches"] = list(self.latency_batches)
        data["recipe"]["milestones"] = list(self.recipe.milestones)
        return data


PAPER: dict[str, Any] = {
    # An epoch of the official code sees three augmented copies of every image, hence the factor.
    "criterion": "kl",
    "match": "filters",
    "spread": "uniform",
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
_RENAMED = {"repair": "reconstruct"}
"""Settings that had another name in version 0.1."""
LORA_LR = 5.0
"""How many times the learning rate of all weights LoRA takes: few directions have to go farther."""


def settings_from(
    preset: str | None, given: Mapping[str, Any], model: nn.Module | None = None
) -> Settings:
    """The defaults that fit `model`, overridden by the preset, overridden by what is `given`.

    A field of the recipe may be given by its own name, as in ``lr=0.05``. Raises InputError for a
    name or a value that there is not.
    """
    if preset is not None and preset not in PRESETS:
        raise InputError(f"There is no preset {preset!r}: choose one of {', '.join(PRESETS)}.")
    now, old = renamed(given)
    for sentence in old:
        warnings.warn(sentence, DeprecationWarning, stacklevel=3)
    values = {**fitting(model), **(PRESETS[preset] if preset else {}), **now, "preset": preset}
    own = {f.name for f in fields(Settings)}
    recipes = {f.name for f in fields(Recipe)}
    for name in values:
        if name not in own | recipes:
            raise InputError(
                f"There is no setting {name!r}: choose among {', '.join(sorted(own | recipes))}."
            )
    recipe = values.get("recipe", recipe_for(model, bool(values.get("lora"))))
    changes = {name: value for name, value in values.items() if name in recipes}
    rest = {name: value for name, value in values.items() if name in own}
    return Settings(**{**rest, "recipe": replace(recipe, **changes) if changes else recipe})


def fitting(model: nn.Module | None) -> dict[str, Any]:
    """Defaults for transformers: less of what takes a large model long. To try out one structure
    after the other, as kl does, takes a language model hours; contribution needs one pass."""
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
    return replace(recipe, lr=LORA_LR * recipe.lr) if lora else recipe


def _attends(model: nn.Module) -> bool:
    """Whether it is a transformer: the library of that name has convolutional networks, too."""
    if not is_transformer(model):
        return False
    heads = getattr(model.config, "num_attention_heads", None)
    return bool(is_language_model(model) or heads)


def renamed(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Settings by the names of today, and a sentence for each that came by an older one."""
    now = {_RENAMED.get(name, name): value for name, value in given.items()}
    old = [f"{name} is now called {_RENAMED[name]}." for name in given if name in _RENAMED]
    if now.get("criterion") == "energy":
        now["criterion"] = "contribution"
        old.append("The criterion energy is now called contribution.")
    return now, old


def completed(written: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as `to_json` wrote them, perhaps before there were as many: what is missing has the
    value that changes nothing."""
    plain, now = Settings(cut=0.5).to_json(), renamed(written)[0]
    recipe = {**plain["recipe"], **now.get("recipe", {})}
    return {**plain, **now, "recipe": recipe}


def _check(settings: Settings) -> None:
    if not _is_number(settings.cut) or not 0.0 < settings.cut < 1.0:
        raise InputError(
            f"cut is the share to remove and lies between 0 and 1, but is {settings.cut}."
        )
    if settings.of not in TARGETS:
        raise InputError(f"There is no target {settings.of!r}: choose one of {', '.join(TARGETS)}.")
    criterion_named(settings.criterion)
    for name, choices in (
        ("match", (None, "macs", "params", "filters")),
        ("spread", ("cheapest", "least", "uniform")),
        ("only", (None, "layer", "neurons")),
    ):
        if getattr(settings, name) not in choices:
            named = ", ".join(str(choice) for choice in choices if choice)
            raise InputError(
                f"There is no {name} {getattr(settings, name)!r}: choose one of {named}."
            )
    for name in ("candidate_epochs", "round_epochs", "final_epochs"):
        epochs = getattr(settings, name)
        if not _is_number(epochs) or not 0.0 <= epochs < float("inf"):
            raise InputError(f"{name} must be a number, 0 or more, but is {epochs!r}.")
    for name in ("min_layers", "min_neurons", "round_to", "layers_per_round", "score_samples"):
        count = getattr(settings, name)
        if not _is_number(count, whole=True) or count < 1:
            raise InputError(f"{name} must be a whole number, 1 or more, but is {count!r}.")
    if not _is_number(settings.seed, whole=True):
        raise InputError(f"seed must be a whole number, but is {settings.seed!r}.")
    if not _is_number(settings.pace) or not 0.0 < settings.pace < 1.0:
        raise InputError(f"pace is a share between 0 and 1, but is {settings.pace!r}.")
    lowest = settings.min_accuracy
    if lowest is not None and not (_is_number(lowest) and 0.0 <= lowest <= 1.0):
        raise InputError(f"min_accuracy is a share between 0 and 1, but is {lowest!r}.")
    for name in ("reconstruct", "debiased", "stop_when_layers_end", "free"):
        if not isinstance(getattr(settings, name), bool):
            raise InputError(f"{name} is True or False, but is {getattr(settings, name)!r}.")
    sizes: Any = settings.latency_batches
    if not isinstance(sizes, (tuple, list)) or not all(
        _is_number(size, whole=True) and size >= 1 for size in sizes
    ):
        raise InputError(f"latency_batches are whole numbers, 1 or more, but are {sizes!r}.")
    recipe: Any = settings.recipe
    if not isinstance(recipe, Recipe):
        raise InputError(f"recipe must be a Recipe, but is {type(recipe).__name__}.")


def _is_number(value: Any, whole: bool = False) -> bool:
    """A truth value is no number here, though it is one to Python."""
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
