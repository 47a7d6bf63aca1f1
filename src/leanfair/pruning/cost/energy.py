"""The energy that a run takes, phase by phase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from leanfair.evaluation.energy.clock import Clock, Meter
from leanfair.evaluation.energy.grid import grid_of
from leanfair.evaluation.energy.reading import Energy, known_sum, total
from leanfair.pruning.measured_schema import RunEnergyEntry, SpentEntry

Phase = Literal["scoring", "candidates", "recovery", "rest"]
PHASES: tuple[Phase, ...] = get_args(Phase)

NOTHING = Energy(0.0, 0.0)
UNTOLD = "A part of the run was made without a measure of its energy."
RESUMED = "What was under way when the run was broken off is not in it."


def _unmetered() -> Meter:
    return Clock("Energy was not followed.")


@dataclass
class Spending:
    """What `meter` saw of a run since `settled` was last called, by phases. It sees one of
    `processes`."""

    meter: Meter = field(default_factory=_unmetered)
    processes: int = 1
    seen: Energy = NOTHING
    taken: dict[Phase, list[Energy]] = field(default_factory=dict)

    @contextmanager
    def on(self, phase: Phase) -> Iterator[None]:
        """Count what is used while this lasts for `phase`."""
        self._book("rest")
        try:
            yield
        finally:
            self._book(phase)

    def settled(self) -> SpentEntry:
        """What was used, to be counted from nothing from here on."""
        self._book("rest")
        found, self.taken = _entry(self.taken, self.processes), {}
        return found

    def _book(self, phase: Phase) -> None:
        now = self.meter.read()
        self.taken.setdefault(phase, []).append(now.since(self.seen))
        self.seen = now


def _entry(taken: Mapping[Phase, Iterable[Energy]], processes: int) -> SpentEntry:
    phases = {phase: total(taken.get(phase, ())) for phase in PHASES}
    whole = total(each for phase in PHASES for each in taken.get(phase, ()))
    return {
        "total": _of_all(whole, processes).to_json(),
        "scoring": phases["scoring"].kwh,
        "candidates": phases["candidates"].kwh,
        "recovery": phases["recovery"].kwh,
        "rest": phases["rest"].kwh,
    }


def _of_all(found: Energy, processes: int) -> Energy:
    """`found`, which one process saw, as what is known of all `processes`."""
    others = processes - 1
    if not others or found.kwh is None or found.kind == "measured":
        return found
    said = f"What {others} other process{'es' if others > 1 else ''} used is not in it."
    return replace(found, at_least=True, basis=f"{found.basis} {said}")


def spent_in_all(parts: Iterable[tuple[float, SpentEntry | None]], resumed: bool) -> RunEnergyEntry:
    """What a run took, out of its `parts`: the seconds of each and, where it is known, what it
    used. `resumed`: whether it was broken off on the way."""
    given = list(parts)
    whole = total(
        Energy(seconds, basis=UNTOLD) if spent is None else Energy.from_json(spent["total"])
        for seconds, spent in given
    )
    if resumed and whole.kwh is not None:
        whole = replace(whole, at_least=True, basis=f"{whole.basis} {RESUMED}")
    grid = grid_of()
    known = [spent for _, spent in given if spent is not None]
    return {
        "total": whole.to_json(),
        "scoring": known_sum(spent["scoring"] for spent in known),
        "candidates": known_sum(spent["candidates"] for spent in known),
        "recovery": known_sum(spent["recovery"] for spent in known),
        "rest": known_sum(spent["rest"] for spent in known),
        "grams": grid.grams(whole.kwh),
        "grid": grid.to_json(),
    }
