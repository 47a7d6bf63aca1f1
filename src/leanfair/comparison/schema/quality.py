"""How well two models answer: a part of a comparison's `summary.json`.

Differences are the child's number less the parent's, on the same samples; their intervals are
paired, at 95 %.
"""

from __future__ import annotations

from typing_extensions import TypedDict


class Difference(TypedDict):
    """A number of both models, and its difference with a paired 95 % interval."""

    parent: float
    """Of the parent."""
    child: float
    """Of the child."""
    value: float
    """Child less parent."""
    low: float | None
    """Where the interval of `value` begins; null where too few samples tell."""
    high: float | None
    """Where it ends; null where too few samples tell."""


class Measure(TypedDict):
    """A number about both models together, with its 95 % interval."""

    value: float
    """The number."""
    low: float | None
    """Where its interval begins; null where too few samples tell."""
    high: float | None
    """Where it ends; null where too few samples tell."""


class Quality(TypedDict):
    """How well each model answers. What does not fit the kind of model, or needs labels that there
    are not, is null."""

    accuracy: Accuracy | None
    """What classifiers get right; null without labels."""
    calibration: Calibration | None
    """Whether classifiers with one true class are as sure as they are right; null without
    labels."""
    examples: Examples | None
    """Samples that only one of both gets right; null without labels, and where a sample has several
    answers."""
    perplexity: Perplexity | None
    """How well language models foresee the text."""
    error: Difference | None
    """The mean squared error of models whose outputs are numbers; null without labels."""
    similarity: Similarity | None
    """How alike models represent their inputs; null for all others."""
    agreement: Agreement | None
    """How often the child answers as its parent does, whatever is right; null where answers are no
    classes or words."""


class Accuracy(TypedDict):
    """The share of right answers, of both models on the same samples. Where several labels may be
    true at once, a sample is right if all of its labels are."""

    overall: Difference
    """Over all answers (Agresti and Min 2005; of several answers a sample, the ratio estimator)."""
    balanced: Difference | None
    """The mean over `classes` (bootstrap, classes apart); without an interval where several labels
    may be true at once; null where a sample has several answers."""
    worst_class: WorstClass | None
    """The class that each model knows least; null where `balanced` is."""
    classes: list[ClassEntry]
    """Each class that the data have samples of."""
    samples: int
    """How many samples there were."""
    lost: int
    """How many of them only the parent got right; of several answers a sample, how many have fewer
    right ones."""
    gained: int
    """How many of them only the child got right, or has more right answers for."""
    p_value: float | None
    """McNemar's exact two-sided test that both are right equally often; null where a sample has
    several answers."""


class WorstClass(TypedDict):
    """The lowest accuracy of a class in each model, which may be two classes."""

    parent_class: str
    """The class that the parent knows least."""
    child_class: str
    """The class that the child knows least."""
    accuracy: Difference
    """Of these classes (bootstrap, the lowest anew in each draw; without an interval where several
    labels may be true at once)."""


class ClassEntry(Difference):
    """How well one class is classified: the share of its samples that are found or, where several
    labels may be true at once, the mean of that and of the share of the others that are not taken
    for it."""

    name: str
    """What it is called; its number where it has no name."""
    samples: int
    """How many answers should be this class."""
    p_value: float | None
    """McNemar's exact test in this class; null where several answers or labels are asked for."""
    adjusted: float | None
    """`p_value`, adjusted for as many tests as there are classes (Benjamini and Hochberg 1995)."""


class Calibration(TypedDict):
    """Whether a model is as sure as it is right (expected calibration error of the top answer, 15
    bins of equal width; Guo et al. 2017). On few samples it is larger than on many, for both."""

    error: Difference
    """The expected calibration error (paired bootstrap)."""
    parent_bins: list[BinEntry]
    """The parent's reliability diagram."""
    child_bins: list[BinEntry]
    """The child's reliability diagram."""


class BinEntry(TypedDict):
    """The samples of which a model is about equally sure."""

    low: float
    """The confidence above which it begins."""
    high: float
    """The confidence that it reaches."""
    samples: int
    """How many samples there are."""
    confidence: float
    """The mean confidence; 0 where there are none."""
    accuracy: float
    """The share of right answers; 0 where there are none."""


class Examples(TypedDict):
    """Samples that only one of both models gets right, drawn by the seed."""

    only_parent: list[ExampleEntry]
    """Some of those that the parent alone gets right."""
    only_child: list[ExampleEntry]
    """Some of those that the child alone gets right."""


class ExampleEntry(TypedDict):
    """One sample."""

    index: int
    """Which sample of the test data, from 0."""
    label: str
    """What is right."""
    parent: str
    """What the parent answers."""
    child: str
    """What the child answers."""
    picture: str | None
    """The image as a PNG, in a data: address; null where it is none."""
    text: str | None
    """The text, shortened; null where it is none."""


class Agreement(TypedDict):
    """How far the child answers as its parent does."""

    same: Measure
    """The share of answers that are the same (Wilson; of texts, the ratio estimator)."""
    kl: Measure
    """The mean KL(parent || child) between the probabilities that both give, in nats."""
    answers: int
    """How many answers were compared: one a sample, or one a token."""


class Similarity(TypedDict):
    """How alike both models represent the same samples."""

    cosine: float
    """The mean cosine of a sample's two representations."""
    rank_correlation: float | None
    """Spearman's, between how similar all pairs of (at most 1,000) samples are in each model; null
    for fewer than 3 samples."""
    samples: int
    """How many samples there were."""


class Perplexity(TypedDict):
    """How well both models foresee the same text."""

    overall: Growth
    """Over all tokens."""
    by_length: list[GrowthBin]
    """By how many tokens a sample has; empty where all have as many."""
    by_context: list[GrowthBin]
    """By how many tokens of the sample stand before the one that is foreseen."""


class Growth(TypedDict):
    """Perplexities, and the child's over the parent's."""

    parent: float
    """Of the parent: exp of the mean negative log-likelihood of a token."""
    child: float
    """Of the child."""
    ratio: float
    """Child over parent: above 1, the text surprises the child more."""
    low: float | None
    """Where the 95 % interval of `ratio` begins (samples drawn independently); null for one sample,
    and where a loss is infinite."""
    high: float | None
    """Where it ends; null for one sample, and where a loss is infinite."""
    tokens: int
    """How many tokens were foreseen."""
    samples: int
    """How many samples they are of."""


class GrowthBin(Growth):
    """The same of some of the tokens."""

    least: int
    """The fewest tokens (of the sample, or before the one that is foreseen) in this bin."""
    most: int | None
    """The most; null for the last bin, which is open."""
