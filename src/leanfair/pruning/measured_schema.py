"""What a pruning run measured of its first and its last network: a part of `summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import NotRequired, TypedDict

from leanfair.evaluation.energy.schema import EnergyEntry, GridEntry


class Measured(TypedDict):
    """The keys of `summary.json` about what was measured, and on what grounds."""

    notes: list[str] | None
    """What was assumed or came otherwise than expected, in sentences. Null in a run of a version
    that did not say."""
    stock: bool | None
    """Whether transformers opens the result by `from_pretrained`; null for other networks."""
    preprocessing: PreprocessingEntry | None
    """How images were normalised, where that is known."""
    problem: ProblemEntry | None
    """What the outputs mean; it decides what is measured. Null in a run of a version that did not
    say."""
    quality: Literal["accuracy", "perplexity", "error", "similarity"]
    """Which of the following keys are measured: perplexity for a language model, error for a
    regression, similarity for representations. The keys of the others are null."""
    accuracy: Numbers | None
    """The share of the answers on test data that are right: one a sample or, where tokens or pixels
    are classified, one each. Where several labels may be true at once, a sample is right if all of
    its labels are. Null without labelled test data."""
    accuracy_change: AccuracyChangeEntry | None
    """What became of `accuracy`, with its interval; null where that is."""
    calibration_accuracy: Numbers | None
    """Accuracy on the calibration data, which took part in the choices; null without labels."""
    balanced_accuracy: Numbers | None
    """The mean of `classes` over all classes, on the test data; null where `accuracy` is."""
    worst_class: ClassEntry | None
    """The class whose own accuracy fell most, on the test data; null where `accuracy` is."""
    classes: list[ClassEntry] | None
    """Each class that the test data have samples of; null where `accuracy` is."""
    perplexity: Numbers | None
    """Perplexity on the test data: the exponential of the mean negative log-likelihood, in nats, of
    the tokens that the model is asked for (the next one of the text where it writes, else those
    with a label); null without test data."""
    perplexity_change: PerplexityChangeEntry | None
    """What became of `perplexity`, with its interval; null where that is."""
    calibration_perplexity: Numbers | None
    """Perplexity on the calibration data, which took part in the choices; null without targets."""
    error: Numbers | None
    """Mean squared error on the test data; null without labelled ones."""
    error_change: ErrorChangeEntry | None
    """What became of `error`, with its interval; null where that is."""
    calibration_error: Numbers | None
    """Mean squared error on the calibration data, which took part in the choices; null without
    labels."""
    similarity: Numbers | None
    """The mean cosine between what the first network and what each gives for a test sample (of
    tokens their mean); 1 before. Null without test data."""
    similarity_change: SimilarityChangeEntry | None
    """More about `similarity`; null where that is."""
    calibration_similarity: Numbers | None
    """The same on the calibration data, which took part in the choices."""
    layout: NotRequired[LayoutEntry]
    """The memory layout that each network was timed in, the faster one. Missing in a run of a
    version that knew one alone: contiguous."""
    energy: NotRequired[RunEnergyEntry | None]
    """What the run itself took, from its first round on. Missing in a run of a version that did not
    say."""


class SpentEntry(TypedDict):
    """What a run, or a round of it, took. Phases are in kilowatt-hours, null where they are not
    known or there was nothing of them."""

    total: EnergyEntry
    """All phases."""
    scoring: float | None
    """Finding out how important structures are."""
    candidates: float | None
    """Making the candidates, fine-tuning them and holding them against their parent."""
    recovery: float | None
    """Fine-tuning winners and the result."""
    rest: float | None
    """Measuring and writing."""


class RunEnergyEntry(SpentEntry):
    """What a run took, and its carbon."""

    grams: float | None
    """Grams of carbon dioxide (equivalents) that `total` stands for; null where that is not
    known."""
    grid: GridEntry
    """The grid that they are reckoned by."""


class PreprocessingEntry(TypedDict):
    """How images were normalised: (pixel - mean) / std, where a pixel lies in 0..1."""

    mean: list[float]
    """One number a channel."""
    std: list[float]
    """One number a channel."""


class ProblemEntry(TypedDict):
    """The type of problem."""

    type: Literal[
        "single_label_classification",
        "multi_label_classification",
        "regression",
        "feature_extraction",
    ]
    """What the outputs mean, as `problem_type` of transformers has it: a softmax over classes, yes
    or no each, numbers, or a representation."""
    known_by: Literal["asked", "configuration", "labels", "outputs"]
    """What told it: the setting `problem_type`, the model's configuration, the labels, or the shape
    of the outputs alone, which is a guess."""


class Numbers(TypedDict):
    """A number of the first network and of the last one."""

    before: float
    """Of the first network."""
    after: float
    """Of the last network."""


class AccuracyChangeEntry(TypedDict):
    """The change of the accuracy, both networks on the same test samples."""

    value: float
    """After less before, as a share."""
    low: float
    """Where its 95 % interval begins (Agresti and Min 2005)."""
    high: float
    """Where its 95 % interval ends."""
    samples: int
    """How many test samples there were."""
    lost: int
    """How many of them only the first network got right; where a sample has several answers, how
    many have fewer right ones in the last network."""
    gained: int
    """How many of them only the last network got right, or has more right answers for."""


class PerplexityChangeEntry(TypedDict):
    """The change of the perplexity, both networks on the same test samples."""

    value: float
    """After over before."""
    low: float | None
    """Where its 95 % interval begins; null for a single sample, and where a loss is infinite."""
    high: float | None
    """Where its 95 % interval ends; null for a single sample, and where a loss is infinite."""
    tokens: int
    """How many tokens the models were asked for."""


class ClassEntry(TypedDict):
    """How well one class is classified, on the test data."""

    name: str
    """What it is called; its number where it has no name."""
    samples: int
    """How many answers should be this class."""
    before: float
    """The share of them that the first network got right; where several labels may be true at once,
    the mean of that and of the share of the other answers that it got right."""
    after: float
    """The same of the last network."""


class ErrorChangeEntry(TypedDict):
    """The change of the mean squared error, both networks on the same test samples."""

    value: float
    """After less before."""
    low: float | None
    """Where its 95 % interval begins (paired, Student's); null for one sample."""
    high: float | None
    """Where its 95 % interval ends; null for one sample."""
    samples: int
    """How many test samples there were."""


class SimilarityChangeEntry(TypedDict):
    """How alike both networks represent the same test samples."""

    rank_correlation: float | None
    """Spearman's, between how similar all pairs of (at most 1,000) samples are in the first network
    and in the last; null for fewer than 3 samples."""
    samples: int
    """How many test samples there were."""


class Stopwatch(TypedDict):
    """How much latency is gone: blocks were timed once, and the networks side by side at the
    end."""

    batch: int
    """How many samples a forward pass had."""
    predicted: float
    """The share that is gone by the times of blocks, which decided."""
    measured: float
    """The share that is gone by a stopwatch."""


class Latencies(TypedDict):
    """Latency by batch size, which is a text of digits, as keys in JSON are texts."""

    before: dict[str, Latency]
    """Of the first network."""
    after: dict[str, Latency]
    """Of the last network."""


class LayoutEntry(TypedDict):
    """The memory layouts of two networks; channels last is for convolutions."""

    before: Literal["contiguous", "channels_last"]
    """Of the first network, for these times; it is left as it was given."""
    after: Literal["contiguous", "channels_last"]
    """Of the last network, in which it is handed over and loaded."""


class Latency(TypedDict):
    """How long one forward pass of a batch takes, in seconds."""

    median: float
    """The median of the runs."""
    low: float
    """The 10th percentile."""
    high: float
    """The 90th percentile."""
    runs: int
    """How many runs were timed."""


class Reading(TypedDict):
    """What the stopwatch said of a network, beside the table."""

    round: int
    """The round after which it was timed."""
    predicted: float
    """The share of the latency that is gone by the table."""
    measured: float
    """The same by the stopwatch, both networks timed in turn."""


class TimesRecord(TypedDict):
    """`latency.json`: the times that a run decides by, and what the stopwatch said of them."""

    table: LatencyTable
    """The measured times of blocks."""
    readings: list[Reading]
    """What the stopwatch said, each time that the table had the target met."""


class WidthTimesEntry(TypedDict):
    """What a block takes as neurons of one of its layers go."""

    groups: list[str]
    """The layers of neurons that this holds for, by their names in the first network."""
    counts: list[int]
    """How many neurons are left, ascending; the last is all of them."""
    seconds: list[float]
    """The median time of the block with so many, as measured."""


class BlockTimesEntry(TypedDict):
    """What blocks of one kind take."""

    blocks: list[str]
    """Their names in the first network; an empty name is the whole network."""
    seconds: float
    """The median time of one, at full width, as measured."""
    widths: list[WidthTimesEntry]
    """The same as its neurons go."""


class LatencyTable(TypedDict):
    """Measured times of blocks, by which a run decides what saves latency."""

    fingerprint: str
    """A hash of the weights of the network that was measured."""
    batch: int
    """How many samples a forward pass had."""
    layout: NotRequired[Literal["contiguous", "channels_last"]]
    """The memory layout of the network, the faster one. Missing in a table of a version that knew
    one alone: contiguous."""
    blocks: list[BlockTimesEntry]
    """The kinds of blocks, the whole network first."""
