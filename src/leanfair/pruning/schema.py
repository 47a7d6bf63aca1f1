"""The JSON files of a pruning run, key by key.

`leanfair.pruning.run` writes them; the page and whatever compares runs read them. What stands below
each key is its documentation: docs/run-directory.md is made from it.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict

from leanfair.pruning.cut_schema import CutEntry
from leanfair.pruning.measured_schema import Latencies, Measured, Numbers, SpentEntry, Stopwatch


class RunRecord(TypedDict):
    """`run.json`: what was asked, written before the first round."""

    format: int
    """Version of this format."""
    model: ModelEntry
    """The network that the run began with."""
    data: DataEntry
    """What data it was given."""
    settings: SettingsEntry
    """Every setting of the run."""
    fine_tune: NotRequired[str | None]
    """Who fine-tunes: null for leanfair, else the name of the function that was given, and a hash
    of its source."""
    choose: NotRequired[str | None]
    """Who chooses between the candidates, likewise."""


class WrittenRecord(TypedDict):
    """`run.json` as it is read again, perhaps by a version that knows more settings."""

    format: int
    """Version of this format."""
    model: ModelEntry
    """The network that the run began with."""
    data: DataEntry
    """What data it was given."""
    settings: dict[str, Any]
    """The settings that there were."""
    fine_tune: NotRequired[str | None]
    """Who fine-tunes."""
    choose: NotRequired[str | None]
    """Who chooses."""


class Summary(RunRecord, Measured):
    """`summary.json`: what was asked, as in `run.json`, what a finished run measured, and what else
    it found."""

    leanfair: str
    """Version of the library."""
    created: str
    """When the run ended: ISO 8601, in UTC."""
    finished: bool
    """True: a summary is written when a run has ended."""
    stopped_because: str
    """Why it ended, as the end of a sentence."""
    removed: float
    """The share, 0 to 1, removed of what `settings.of` names; below 0 where that grew."""
    macs: Counts
    """Multiply-accumulates for one sample."""
    params: Counts
    """Parameters, shared ones once."""
    bytes: Counts
    """Bytes of weights and buffers, shared ones once."""
    cost: Numbers
    """What `settings.of` names: MACs, parameters, bytes of memory, or the seconds of a forward pass
    by the times of blocks."""
    embeddings: Counts | None
    """Parameters of the embeddings, which `params` counts, too; null where there are none."""
    attention_macs: Counts | None
    """MACs of attention's scores and mixing, which `macs` counts, too; null without any."""
    tokens: int | None
    """Tokens of the sample for which MACs are counted; null where samples are no texts."""
    latency: Latencies | None
    """The time of a forward pass on this machine; null where no batch size was asked for."""
    stopwatch: NotRequired[Stopwatch | None]
    """What table and stopwatch say of the latency that is gone; null where times decided
    nothing."""
    images: int
    """Samples seen in fine-tuning, each as often as it was seen."""
    seconds: float
    """Time that the run took, that before it was resumed included."""
    steps: list[StepEntry]
    """One entry a round."""
    architecture: Architecture
    """The blocks of the network and their widths."""
    machine: Machine
    """What the run was made on."""


class Counts(TypedDict):
    """A count of the first network and of the last one."""

    before: int
    """Of the first network."""
    after: int
    """Of the last network."""


class ModelEntry(TypedDict):
    """The network that a run began with."""

    name: str
    """Its class."""
    title: str
    """What a person calls it."""
    fingerprint: str
    """A hash of its class and of the names, shapes and values of its tensors."""
    origin: OriginEntry | None
    """How its architecture is built anew; null for an own class, which `leanfair.load` must be
    given."""
    macs: int
    """Multiply-accumulates for one sample."""
    params: int
    """Parameters, shared ones once."""
    filters: int
    """Output channels of all convolutions."""


class OriginEntry(TypedDict):
    """How the architecture of a network is built anew."""

    kind: str
    """The library or family that has it."""
    spec: dict[str, Any]
    """What that needs to know; of a model of transformers its class and configuration."""
    cuts: list[CutEntry]
    """The cuts that were made before this run."""


class DataEntry(TypedDict):
    """The data of a run."""

    fingerprint: str
    """A hash of the calibration inputs."""
    calibration: int
    """Samples of calibration data."""
    train: int | None
    """Samples of training data; null where there were none."""
    test: int | None
    """Samples of test data; null where there were none."""
    input: list[int] | None
    """The shape of one sample; null where a sample is more than one tensor."""
    labels: NotRequired[str | None]
    """A hash of the calibration labels; null without."""
    train_inputs: NotRequired[str | None]
    """A hash of the training samples, or of some of them where they are not in memory; null without
    such data, and where they are not the same twice."""
    train_labels: NotRequired[str | None]
    """Likewise of their labels."""
    test_inputs: NotRequired[str | None]
    """Likewise of the test samples."""
    test_labels: NotRequired[str | None]
    """Likewise of their labels."""


class SettingsEntry(TypedDict):
    """The settings of a run, as `leanfair.pruning.settings.Settings` documents them."""

    cut: float
    of: Literal["macs", "params", "latency", "memory"]
    criterion: str
    exact: NotRequired[bool]
    match: Literal["macs", "params", "filters", "latency"] | None
    spread: str
    seed: int
    candidate_epochs: float
    round_epochs: float
    final_epochs: float
    recipe: RecipeEntry
    min_accuracy: float | None
    min_class_accuracy: float | None
    problem_type: str | None
    min_layers: int
    min_neurons: int
    round_to: int | Literal["auto"]
    layers_per_round: int | Literal["auto"]
    pace: float
    score_samples: int
    debiased: bool
    stop_when_layers_end: bool
    reconstruct: bool
    only: Literal["layer", "neurons"] | None
    free: bool
    latency_batch: NotRequired[int]
    latency_table: NotRequired[str | None]
    latency_batches: list[int]
    preset: str | None


class RecipeEntry(TypedDict):
    """How a run fine-tunes, as `leanfair.pruning.training.recipe.Recipe` documents it."""

    optimizer: str
    lr: float
    momentum: float
    weight_decay: float
    batch_size: int
    schedule: str
    milestones: list[float]
    warmup: float
    clip: float
    distill: float
    temperature: float
    precision: str
    lora: int


class StepRecord(TypedDict):
    """A finished round, as `steps.json` has it. What is counted or measured is the network's after
    it."""

    index: int
    """Which round, from 1."""
    chosen: Literal["layer", "neurons"]
    """The candidate that won."""
    cka: Similarities
    """How similar each candidate represents the calibration data to its parent."""
    cut: CutEntry
    """What was removed."""
    macs: int
    """Multiply-accumulates for one sample."""
    params: int
    """Parameters, shared ones once."""
    accuracy: float | None
    """Accuracy on the calibration data; null without labels, and where that is not measured."""
    seconds: float
    """How long the round took."""
    cost: float
    """What `settings.of` names: MACs, parameters, bytes of memory, or seconds for one sample."""
    perplexity: float | None
    """Perplexity on the calibration data; null unless it is a language model's and there are
    targets."""
    error: float | None
    """Mean squared error on the calibration data; null unless it is a regression and there are
    labels."""
    similarity: float | None
    """Mean cosine to the first network's representations of the calibration data; null unless the
    outputs are representations."""
    note: str | None
    """Why the structures were looked for anew after this round; null where they were not."""
    energy: NotRequired[SpentEntry | None]
    """What the round took. Missing in a run of a version that did not say."""


class StepEntry(StepRecord):
    """A finished round, as `summary.json` has it."""

    text: str
    """The cut in words."""


class ChosenRecord(TypedDict):
    """`chosen.json`: the winner of the round under way."""

    round: int
    """Which round, from 1."""
    cut: CutEntry
    """What is removed."""
    cka: Similarities
    """How similar each candidate represents the calibration data to its parent."""


class Similarities(TypedDict):
    """Linear CKA of both candidates of a round to their parent, 0 to 1."""

    layer: float | None
    """Of the network without a layer or several; null where none could go."""
    neurons: float | None
    """Of the network without some neurons; null where none could go."""


class Architecture(TypedDict):
    """The blocks of the first and of the last network, by the names that they have in the first."""

    before: list[StageEntry]
    """Of the first network."""
    after: list[StageEntry]
    """Of the last network: blocks that went are missing."""


class StageEntry(TypedDict):
    """A run of blocks of one output shape."""

    container: str
    """The module that holds them; empty for the network itself."""
    blocks: list[BlockEntry]
    """The blocks, in the order in which they run. A network without blocks is one that has no
    name."""


class BlockEntry(TypedDict):
    """A block and the widths inside."""

    name: str
    """Its name in the first network."""
    widths: list[WidthEntry]
    """What is inside of it that can be narrowed."""


class _Width(TypedDict):
    name: str
    """The module that produces them."""
    count: int
    """How many there are."""
    unit: Literal["filter", "unit", "head"]
    """What it has so many of: filters of a convolution, units of a dense layer, or attention
    heads."""


class WidthEntry(_Width, total=False):
    """How wide a layer inside a block is."""

    queries: int
    """Of heads alone: how many queries each serves. More than 1 where queries are grouped: a head
    is a key-value head then."""


class Machine(TypedDict):
    """What a run was made on."""

    device: str
    """The device of torch, such as cpu or cuda:0."""
    processor: str
    """The name of the processor, or of the GPU where there is one."""
    threads: int
    """Threads of torch on the processor."""
    torch: str
    """Version of torch."""
    python: str
    """Version of Python."""
