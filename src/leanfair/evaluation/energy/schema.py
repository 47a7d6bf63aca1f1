"""An amount of energy, and the grid it came from, as JSON has them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class EnergyEntry(TypedDict):
    """What a piece of work took."""

    kwh: float | None
    """Kilowatt-hours; null where that is not known."""
    kind: Literal["measured", "estimated", "unknown"]
    """Whether counters of the hardware were read, or energy was estimated from time and load."""
    basis: str
    """What the number rests on, or why there is none, in sentences."""
    at_least: bool
    """Whether a part of the work has no measure, so that it took more."""
    seconds: float
    """How long the work took."""
    processor: float | None
    """Kilowatt-hours of the processor."""
    gpu: float | None
    """Kilowatt-hours of GPUs."""
    memory: float | None
    """Kilowatt-hours of memory."""


class GridEntry(TypedDict):
    """How much carbon a grid's electricity stands for."""

    region: str
    """WORLD, the ISO 3166 code of a country in three letters, or "as given"."""
    grams_per_kwh: float
    """Grams of carbon dioxide (equivalents) for a kilowatt-hour."""
    source: str
    """Where the number is from."""
