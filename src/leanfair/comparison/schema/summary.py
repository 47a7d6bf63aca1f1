"""The top of a comparison's `summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from leanfair.comparison.schema.cost import Cost
from leanfair.comparison.schema.energy import Energy
from leanfair.comparison.schema.quality import Quality
from leanfair.comparison.schema.robustness import Robustness
from leanfair.comparison.schema.whom import Whom

Kind = Literal[
    "single_label_classification",
    "multi_label_classification",
    "regression",
    "feature_extraction",
    "language",
]


class Summary(TypedDict):
    """`summary.json`: two models side by side, section by section. A section that was not asked
    for, or that cannot be measured, is null; `missing` then says why."""

    format: int
    """Version of this format."""
    leanfair: str
    """Version of the library."""
    created: str
    """When the comparison ended: ISO 8601, in UTC."""
    seconds: float
    """How long it took."""
    headline: list[str]
    """What was lost, what was won and what cannot be said, in sentences."""
    parent: SideEntry
    """The model that the other one is measured against."""
    child: SideEntry
    """The model that was made of it."""
    kind: Kind
    """What the outputs mean, as `problem_type` of transformers has it; "language" for a language
    model."""
    data: DataEntry | None
    """The test data; null where none were given."""
    seed: int
    """What all chance in the comparison was drawn by."""
    notes: list[str]
    """What was assumed, and what has to be known to read the figures, in sentences."""
    missing: dict[str, str]
    """Section -> why it is null, as a sentence. Sections that nobody asked for are not there."""
    quality: Quality | None
    """How well each answers, and how much they agree."""
    robustness: Robustness | None
    """How well each answers when images are changed; null where that was not measured."""
    whom: Whom | None
    """Whom pruning touched: what both decide about people, or how groups of the data fare."""
    cost: Cost | None
    """What each costs: counted, weighed and timed in turn."""
    energy: Energy | None
    """What energy each takes, and what it took to make one of the other."""
    machine: MachineEntry
    """What it was measured on."""


class SideEntry(TypedDict):
    """One of the two models."""

    name: str
    """What a person calls it."""
    model: str
    """Its class."""
    fingerprint: str
    """A hash of its class and of the names, shapes and values of its tensors."""
    path: str | None
    """Where it was read from; null for a module in memory."""
    params: int
    """Parameters, shared ones once."""
    mean: list[float] | None
    """What was subtracted from its images, one number a channel; null where that is not known."""
    std: list[float] | None
    """What they were then divided by; null where that is not known."""


class DataEntry(TypedDict):
    """The test data."""

    samples: int
    """How many samples there were."""
    labelled: bool
    """Whether they tell what is right."""
    classes: list[str]
    """The names of the classes; empty where there are none."""


class MachineEntry(TypedDict):
    """What a comparison was made on."""

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
