"""An amount of energy, and how it is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from leanfair.evaluation.energy.schema import EnergyEntry

Kind = Literal["measured", "estimated", "unknown"]

JOULES = 3.6e6
"""Joules of a kilowatt-hour."""


@dataclass(frozen=True)
class Energy:
    """What a piece of work of `seconds` took.

    `kwh`: kilowatt-hours, and of them those of `processor`, `gpu` and `memory`; None where they are
    not known. `kind` and `basis` say how they are known, and `at_least` that a part of the work is
    not in them.
    """

    seconds: float
    kwh: float | None = None
    kind: Kind = "unknown"
    basis: str = ""
    at_least: bool = False
    processor: float | None = None
    gpu: float | None = None
    memory: float | None = None

    def since(self, earlier: Energy) -> Energy:
        """What was used after `earlier`, which is an earlier reading of the same meter."""
        return Energy(
            self.seconds - earlier.seconds,
            _less(self.kwh, earlier.kwh),
            self.kind,
            self.basis,
            self.at_least,
            _less(self.processor, earlier.processor),
            _less(self.gpu, earlier.gpu),
            _less(self.memory, earlier.memory),
        )

    def to_json(self) -> EnergyEntry:
        """This amount in plain JSON types."""
        return {
            "kwh": self.kwh,
            "kind": self.kind,
            "basis": self.basis,
            "at_least": self.at_least,
            "seconds": self.seconds,
            "processor": self.processor,
            "gpu": self.gpu,
            "memory": self.memory,
        }

    @staticmethod
    def from_json(data: Any) -> Energy:
        """The amount that `to_json` wrote."""
        return Energy(**data)


def total(parts: Iterable[Energy]) -> Energy:
    """All `parts` together. One that is not known makes the sum the least that it can be; one that
    is estimated makes it an estimate."""
    given = list(parts)
    known = [part for part in given if part.kwh is not None]
    kinds = {part.kind for part in known}
    kind: Kind = "estimated" if "estimated" in kinds else "measured" if kinds else "unknown"
    return Energy(
        sum(part.seconds for part in given),
        known_sum(part.kwh for part in given),
        kind,
        " ".join(dict.fromkeys(part.basis for part in given if part.basis)),
        bool(known) and (len(known) < len(given) or any(part.at_least for part in known)),
        known_sum(part.processor for part in given),
        known_sum(part.gpu for part in given),
        known_sum(part.memory for part in given),
    )


def _less(now: float | None, before: float | None) -> float | None:
    """The difference of two readings of a counter, which never falls."""
    return None if now is None or before is None else max(0.0, now - before)


def known_sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is known of `values`; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
