"""Everything that can be set about a run: each option's meaning, values and default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from leanfair.errors import OptionError
from leanfair.evaluation.problem_type import ProblemType
from leanfair.options import Help, Range, check
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.types import Criterion, CriterionName, Kind, Target

Match = Literal["macs", "params", "filters", "latency"]
Spread = Literal["cheapest", "least", "uniform"]
Preset = Literal["paper"]
Auto = Literal["auto"]
"""A number that is found: a width that the device is fast at, or so many layers as fit a round."""


@dataclass(frozen=True)
class Settings:
    """How a network is pruned. Epochs are passes over the training data, and may be fractions."""

    cut: Annotated[float, Help("The share of the cost to remove."), Range(above=0, below=1)]
    of: Annotated[
        Target, Help("Which cost: macs, params, latency (measured on this device) or memory.")
    ] = "macs"
    criterion: Annotated[
        CriterionName | Criterion,
        Help(
            "How important a structure is: kl, l1, cka, fisher, contribution, random, or in "
            "Python a function (model, anatomy, batches, seed, progress) -> Scores.",
            default="kl; contribution for language models",
        ),
    ] = "kl"
    exact: Annotated[
        bool,
        Help(
            "Score every structure by kl in full, with a forward pass each, rather than find out "
            "which ones go: several times slower."
        ),
    ] = False
    match: Annotated[
        Match | None,
        Help(
            "What both candidates save equally much of: macs, params, filters, or latency by a "
            "table of measured times.",
            default="what the target counts; macs for memory",
        ),
    ] = None
    spread: Annotated[
        Spread,
        Help(
            "The allocation, which neurons go: those with the least importance for what they save "
            "(cheapest), those with the least importance whatever they save (least), or the same "
            "share of every layer, in it the least important (uniform, as in the paper)."
        ),
    ] = "cheapest"
    seed: Annotated[
        int,
        Help("What all chance in the run is drawn from."),
        Range(least=-(2**63), most=2**64 - 1),
    ] = 0
    candidate_epochs: Annotated[
        float,
        Help(
            "Fine-tuning of each candidate before the choice, in passes over the training data.",
            default="0.1; 0 for language models",
        ),
        Range(least=0, most=1e6),
    ] = 0.1
    round_epochs: Annotated[
        float,
        Help(
            "Fine-tuning of the winner of each round, in passes.",
            default="0.5; 0.1 for language models",
        ),
        Range(least=0, most=1e6),
    ] = 0.5
    final_epochs: Annotated[
        float,
        Help("Fine-tuning of the last network, in passes.", default="3; 1 for language models"),
        Range(least=0, most=1e6),
    ] = 3.0
    recipe: Annotated[
        Recipe, Help("How fine-tuning is done.", default="one that fits the model")
    ] = field(default_factory=Recipe)
    min_accuracy: Annotated[
        float | None,
        Help(
            "Stop before the accuracy on the calibration data falls below this, and keep the "
            "network that was last above it.",
            default="none",
        ),
        Range(least=0, most=1),
    ] = None
    min_class_accuracy: Annotated[
        float | None,
        Help(
            "The same for the class that is classified worst: stop before the share of its "
            "calibration samples that are classified right falls below this.",
            default="none",
        ),
        Range(least=0, most=1),
    ] = None
    problem_type: Annotated[
        ProblemType | None,
        Help(
            "What the outputs mean: single_label_classification, multi_label_classification "
            "(several classes at once, or one yes or no), regression, or feature_extraction (a "
            "representation). It decides what structures are scored, networks trained and measured "
            "by.",
            default="as the model's configuration, the labels and the outputs show",
        ),
    ] = None
    min_layers: Annotated[
        int,
        Help("How many blocks of a stage have to stay, its first one among them."),
        Range(least=1),
    ] = 2
    min_neurons: Annotated[
        int, Help("How many neurons of a layer have to stay."), Range(least=1)
    ] = 1
    round_to: Annotated[
        int | Auto,
        Help(
            "Keep the number of neurons a multiple of this, where the hardware is fast at that; or "
            "auto: one that this device likes, as no wider layer is as fast, by measured times."
        ),
        Range(least=1),
    ] = 1
    layers_per_round: Annotated[
        int | Auto,
        Help(
            "How many blocks the layer candidate loses at once; or auto: as many as come nearest "
            "to the share `pace` of the current cost.",
            default="auto; 1 where rounds are not trained, and with the preset paper",
        ),
        Range(least=1),
    ] = "auto"
    pace: Annotated[
        float,
        Help(
            "The step ratio: the share of the current cost that a round saves when there is no "
            "layer to match, or about which layers are taken."
        ),
        Range(above=0, below=1),
    ] = 0.1
    score_samples: Annotated[
        int,
        Help(
            "How many of the calibration samples the criterion sees.",
            default="256; 32 for language models",
        ),
        Range(least=1),
    ] = 256
    debiased: Annotated[bool, Help("Choose by the debiased CKA, for few calibration samples.")] = (
        False
    )
    stop_when_layers_end: Annotated[bool, Help("Do not go on with neurons alone.")] = False
    reconstruct: Annotated[
        bool,
        Help(
            "Let the neurons that stay make up for those that go, and what comes before a layer "
            "for the layer, by least squares over the calibration data: recovery without training.",
            default="off; on where nothing is trained",
        ),
    ] = False
    only: Annotated[
        Kind | None,
        Help(
            "Offer candidates of one kind alone, layer or neurons, matched in cost as ever: the "
            "two halves of the method, as baselines.",
            default="both kinds",
        ),
    ] = None
    free: Annotated[
        bool,
        Help(
            "Transformers: per-layer widths, so that every layer keeps its own number of heads "
            "and units; then only leanfair.load opens the result. Else they stay alike, and "
            "transformers opens it.",
            flags="--free/--uniform",
        ),
    ] = False
    latency_batch: Annotated[
        int,
        Help("The batch size whose latency is the target, or is matched."),
        Range(least=1),
    ] = 1
    latency_table: Annotated[
        str | None,
        Help(
            "The latency.json of another run that began with this network on this machine, so that "
            "its times decide here, too.",
            default="measured anew",
        ),
    ] = None
    latency_batches: Annotated[
        tuple[int, ...],
        Help(
            "Batch sizes at which latency is measured before and after; none, where the list is "
            "empty.",
            default="1,128; 1,8 for transformers",
        ),
        Range(least=1),
    ] = (1, 128)
    preset: Annotated[
        Preset | None,
        Help(
            "The named settings that these began with: paper, the official recipe of arXiv "
            "2506.04513.",
            default="none",
        ),
    ] = None

    def __post_init__(self) -> None:
        check(self)

    @property
    def matched(self) -> Match:
        """What both candidates save equally much of."""
        return self.match or ("macs" if self.of == "memory" else self.of)

    @property
    def timed(self) -> bool:
        """Whether anything is decided by measured times."""
        return "latency" in (self.of, self.matched) or self.round_to == "auto"

    def to_json(self) -> dict[str, Any]:
        """The settings in plain JSON types; a function of the user's is told by its name."""
        data = asdict(self)
        if callable(self.criterion):
            data["criterion"] = getattr(self.criterion, "__name__", "custom")
        data["latency_batches"] = list(self.latency_batches)
        data["recipe"]["milestones"] = list(self.recipe.milestones)
        return data


OF_ROUNDS = ("candidate_epochs", "round_epochs")
"""The settings that say how much is trained in each round."""
BUDGETS = (*OF_ROUNDS, "final_epochs")
"""The settings that say how much is trained; where all are 0, nothing is."""

_RENAMED = {"repair": "reconstruct"}
"""Settings that had another name in version 0.1."""


def renamed(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Settings by the names of today, and a sentence for each that came by an older one. Raises
    OptionError where one was given by both."""
    for name in given:
        if _RENAMED.get(name) in given:
            raise OptionError(
                f"{{{name}}} is an older name of {{{_RENAMED[name]}}}: give one of them.",
                name,
                _RENAMED[name],
            )
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
