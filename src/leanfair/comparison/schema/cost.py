"""What two models cost: a part of a comparison's `summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import NotRequired, TypedDict


class Count(TypedDict):
    """A count of both models."""

    parent: int
    """Of the parent."""
    child: int
    """Of the child."""


class Spread(TypedDict):
    """Seconds, over some runs."""

    median: float
    """The median."""
    low: float
    """The 10th percentile."""
    high: float
    """The 90th percentile."""
    runs: int
    """How many runs were timed."""


class Timed(TypedDict):
    """Seconds of both models, taken in turn run by run."""

    parent: Spread
    """Of the parent."""
    child: Spread
    """Of the child."""
    speedup: float
    """How many times as fast the child is: the parent's median over the child's."""
    overlap: bool
    """Whether the spreads of both overlap."""


class Latency(Timed):
    """The time of one forward pass."""

    batch_size: int
    """Samples of the pass."""


class Throughput(TypedDict):
    """Samples in a second, at the largest batch that was timed."""

    batch_size: int
    """Samples of the pass."""
    parent: float
    """Of the parent."""
    child: float
    """Of the child."""


class Writing(TypedDict):
    """How fast language models write, one after the other token, with a cache of what came
    before."""

    prompt_tokens: int
    """Tokens of the prompt."""
    new_tokens: int
    """Tokens that were written after it in each run."""
    prefill: Throughput
    """Tokens of the prompt that are read in a second."""
    token: Timed
    """The time for each new token."""


class Layouts(TypedDict):
    """The memory layouts of both models, in each the faster one for the batches that are timed;
    channels last is for convolutions."""

    parent: Literal["contiguous", "channels_last"]
    """Of the parent."""
    child: Literal["contiguous", "channels_last"]
    """Of the child."""


class FileSizes(TypedDict):
    """Bytes of the files that models were read from."""

    parent: int | None
    """Of the parent; null for a module in memory."""
    child: int | None
    """Of the child; null for a module in memory."""


class Cost(TypedDict):
    """What both models cost, for samples as the test data have them."""

    tokens: int | None
    """Tokens of the sample for which MACs, latency and memory are told; null where samples are no
    texts."""
    macs: Count
    """Multiply-accumulates for one sample."""
    params: Count
    """Parameters, shared ones once."""
    bytes: Count
    """Bytes of weights and buffers in memory, shared ones once."""
    files: FileSizes
    """Bytes on the disk."""
    memory: Count
    """Bytes needed to infer one sample: weights, and the most that all else takes at one time."""
    latency: list[Latency]
    """The time of a forward pass, by batch size."""
    throughput: Throughput
    """Samples in a second."""
    writing: Writing | None
    """The speed of writing; null for models that do not write."""
    layout: NotRequired[Layouts]
    """What both were timed and their energy measured in. Missing in a comparison of a version that
    took models as they lay: contiguous."""
