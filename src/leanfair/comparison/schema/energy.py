"""What energy two models take: a part of a comparison's `summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from leanfair.evaluation.energy.schema import EnergyEntry, GridEntry


class Amount(TypedDict):
    """What a model takes for a piece of work."""

    kwh: float | None
    """Kilowatt-hours; null where that is not known."""
    processor: float | None
    """Those of the processor alone: of an estimate, what other work on a busy machine changes
    least."""
    grams: float | None
    """Grams of carbon dioxide (equivalents) on the grid; null where energy is not known."""
    seconds: float
    """How long it takes at the speed that was measured."""


class Ratio(TypedDict):
    """How many times the parent's the child's is, block by block of those taken side by side."""

    value: float
    """The geometric mean over the blocks."""
    low: float | None
    """Where its 95 % interval begins (Student's, of logarithms); null for a single block."""
    high: float | None
    """Where it ends; null for a single block."""


class Work(TypedDict):
    """A piece of work, done by both models in turn and reckoned for more samples than were."""

    samples: int
    """Samples that the amounts are for."""
    measured: int
    """Samples that each model was really given, at least."""
    seconds: float
    """How long both together were measured."""
    batch_size: int
    """Samples done at once."""
    rounds: int
    """Blocks of each model."""
    kind: Literal["measured", "estimated", "unknown"]
    """Whether counters of the hardware were read, or the energy was estimated."""
    basis: str
    """What the energy rests on, or why it is not known."""
    parent: Amount
    """Of the parent."""
    child: Amount
    """Of the child."""
    energy_ratio: Ratio | None
    """Energy of the child, of the parent's; null where it is not known."""
    time_ratio: Ratio
    """Time of the child, of the parent's."""


class Pruning(TypedDict):
    """What it took to make the child."""

    total: EnergyEntry
    """The run, from its first round to the end."""
    recovery: float | None
    """Kilowatt-hours of fine-tuning winners and the result; null where that is not known."""
    grams: float | None
    """Grams of carbon dioxide (equivalents) of the run on the grid."""
    recorded: bool
    """Whether the run recorded its energy; otherwise it is reckoned from its time."""


class BreakEven(TypedDict):
    """After how many inferences the child has saved what it took to make it."""

    samples: float | None
    """Samples; null for never: the child does not take less."""
    low: float | None
    """Where its 95 % interval begins, from that of the saving; null for never."""
    high: float | None
    """Where it ends; null where it has no end, for the saving may be nothing."""
    saved: float
    """Kilowatt-hours that the child saves in a million inferences; below 0 where it takes more."""


class Energy(TypedDict):
    """What energy both models take, and what it took to make one of the other."""

    grid: GridEntry
    """The grid that carbon is reckoned by."""
    tokens: int | None
    """Tokens of a sample; null where samples are no texts."""
    inference: Work
    """A million inferences, each of one sample."""
    fine_tuning: Work | None
    """One epoch of fine-tuning without distillation, on throw-away copies; null where they cannot
    be trained."""
    untrained: str | None
    """Why there is no `fine_tuning`, in a sentence; null where there is."""
    pruning: Pruning | None
    """What it took to make the child; null where the child is no pruning run."""
    break_even: BreakEven | None
    """When the child has paid for itself; null where that cannot be reckoned."""
