"""What `leanfair.prune` takes by name, so that an editor completes it and mypy refuses a typo.

Written from the fields of Settings and Recipe, and held equal to them by a test.
"""

from __future__ import annotations

from typing import TypedDict

from leanfair.evaluation.problem_type import ProblemType
from leanfair.pruning.settings import Auto, Match, Spread
from leanfair.pruning.training.recipe import Optimizer, Precision, Recipe, Schedule
from leanfair.pruning.types import Criterion, CriterionName, Kind


class PruneOptions(TypedDict, total=False):
    """The settings of a run, each with its default. Epochs are passes over the training data."""

    criterion: CriterionName | Criterion
    """How important a structure is: kl, l1, cka, fisher, contribution, random, or in Python a
    function (model, anatomy, batches, seed, progress) -> Scores. Default: kl; contribution for
    language models."""
    exact: bool
    """Score every structure by kl in full, with a forward pass each, rather than find out which
    ones go: several times slower. Default: False."""
    match: Match | None
    """What both candidates save equally much of: macs, params, filters, or latency by a table of
    measured times. Default: what the target counts; macs for memory."""
    spread: Spread
    """The allocation, which neurons go: those with the least importance for what they save
    (cheapest), those with the least importance whatever they save (least), or the same share of
    every layer, in it the least important (uniform, as in the paper). Default: cheapest."""
    seed: int
    """What all chance in the run is drawn from. Default: 0."""
    candidate_epochs: float
    """Fine-tuning of each candidate before the choice, in passes over the training data. Default:
    0.1; 0 for language models."""
    round_epochs: float
    """Fine-tuning of the winner of each round, in passes. Default: 0.5; 0.1 for language models."""
    final_epochs: float
    """Fine-tuning of the last network, in passes. Default: 3; 1 for language models."""
    recipe: Recipe
    """How fine-tuning is done. Default: one that fits the model."""
    min_accuracy: float | None
    """Stop before the accuracy on the calibration data falls below this, and keep the network that
    was last above it. Default: none."""
    min_class_accuracy: float | None
    """The same for the class that is classified worst: stop before the share of its calibration
    samples that are classified right falls below this. Default: none."""
    problem_type: ProblemType | None
    """What the outputs mean: single_label_classification, multi_label_classification (several
    classes at once, or one yes or no), regression, or feature_extraction (a representation). It
    decides what structures are scored, networks trained and measured by. Default: as the model's
    configuration, the labels and the outputs show."""
    min_layers: int
    """How many blocks of a stage have to stay, its first one among them. Default: 2."""
    min_neurons: int
    """How many neurons of a layer have to stay. Default: 1."""
    round_to: int | Auto
    """Keep the number of neurons a multiple of this, where the hardware is fast at that; or auto:
    one that this device likes, as no wider layer is as fast, by measured times. Default: 1."""
    layers_per_round: int | Auto
    """How many blocks the layer candidate loses at once; or auto: as many as come nearest to the
    share `pace` of the current cost. Default: auto; 1 where rounds are not trained, and with the
    preset paper."""
    pace: float
    """The step ratio: the share of the current cost that a round saves when there is no layer to
    match, or about which layers are taken. Default: 0.1."""
    score_samples: int
    """How many of the calibration samples the criterion sees. Default: 256; 32 for language
    models."""
    debiased: bool
    """Choose by the debiased CKA, for few calibration samples. Default: False."""
    stop_when_layers_end: bool
    """Do not go on with neurons alone. Default: False."""
    reconstruct: bool
    """Let the neurons that stay make up for those that go, and what comes before a layer for the
    layer, by least squares over the calibration data: recovery without training. Default: off; on
    where nothing is trained."""
    only: Kind | None
    """Offer candidates of one kind alone, layer or neurons, matched in cost as ever: the two halves
    of the method, as baselines. Default: both kinds."""
    free: bool
    """Transformers: per-layer widths, so that every layer keeps its own number of heads and units;
    then only leanfair.load opens the result. Else they stay alike, and transformers opens it.
    Default: False."""
    latency_batch: int
    """The batch size whose latency is the target, or is matched. Default: 1."""
    latency_table: str | None
    """The latency.json of another run that began with this network on this machine, so that its
    times decide here, too. Default: measured anew."""
    latency_batches: tuple[int, ...]
    """Batch sizes at which latency is measured before and after; none, where the list is empty.
    Default: 1,128; 1,8 for transformers."""
    optimizer: Optimizer
    """sgd (with Nesterov momentum) or adamw. Default: sgd; adamw for transformers."""
    lr: float
    """The learning rate at the start. Default: 0.01; 2e-4 for language models, 1e-4 for other
    transformers; five times that with LoRA."""
    momentum: float
    """Nesterov momentum, of sgd alone. Default: 0.9."""
    weight_decay: float
    """How much of a weight a step takes away, as a share of the learning rate (L2 for sgd).
    Default: 5e-4; 0.01 for transformers."""
    batch_size: int
    """Samples of one step, over all processes; an iterable of batches keeps its own. Default: 128;
    8 for language models, 32 for other transformers."""
    schedule: Schedule
    """cosine (down to 0), steps (a tenth at each of the milestones) or constant. Default:
    cosine."""
    milestones: tuple[float, ...]
    """Shares of the budget after which the schedule steps divides the learning rate by ten.
    Default: 0.5,0.75."""
    warmup: float
    """The share of the budget over which the learning rate rises evenly to its schedule, from a
    tenth of it. Default: 0; 0.05 for transformers."""
    clip: float
    """The largest norm of a step's gradient; a longer one is shortened to it. 0: none is. Default:
    0; 1 for transformers."""
    distill: float
    """Weight, 0 to 1, of the original's outputs beside the labels. At 1 no labels are needed.
    Default: 0; 0.5 for language models, 1 for models without a head."""
    temperature: float
    """Softens both outputs in distillation (Hinton et al. 2015, arXiv 1503.02531). Default: 4; 1
    for language models."""
    precision: Precision
    """full, fp16, bf16, or auto: bf16 (else fp16) on a CUDA device, full elsewhere. Default:
    auto."""
    lora: int
    """0 trains all weights; a rank above 0 trains that few directions of each linear layer but the
    head (LoRA, Hu et al. 2021, arXiv 2106.09685), and adds them to its weights at the end. Default:
    0."""
