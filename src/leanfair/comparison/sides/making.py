"""What it took to make a child: as its pruning run recorded it, or reckoned from its time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from leanfair.comparison.pair import Pair
from leanfair.comparison.schema.energy import Pruning
from leanfair.evaluation.energy.grid import Grid
from leanfair.evaluation.energy.reading import JOULES, Energy
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.schema import Summary


@dataclass(frozen=True)
class Making:
    """What it took to make a child, and how many samples it was fine-tuned on, where that is
    known."""

    entry: Pruning
    train: int | None


def making_of(pair: Pair, grid: Grid, power: float | None) -> Making | None:
    """What it took to make the child of `pair`; None where it is no finished pruning run.

    Where the run did not record its energy, that is its time times `power` (kilowatt-hours for a
    second), which the same machine takes for such work.
    """
    summary = _run_of(pair.run or pair.child.path)
    if summary is None:
        return None
    recorded = summary.get("energy")
    if recorded is not None:
        whole = Energy.from_json(recorded["total"])
        recovery = recorded["recovery"]
    else:
        whole, recovery = _reckoned(summary["seconds"], power), None
    entry: Pruning = {
        "total": whole.to_json(),
        "recovery": recovery,
        "grams": grid.grams(whole.kwh),
        "recorded": recorded is not None,
    }
    return Making(entry, summary["data"]["train"])


def _reckoned(seconds: float, power: float | None) -> Energy:
    unknown = Energy(seconds, basis="The run did not record its energy.")
    if power is None:
        return unknown
    words = (
        f"The run did not record its energy: this is its time times the {power * JOULES:.3g} W "
        f"that the comparison took on its own machine, and no measurement."
    )
    return replace(unknown, kwh=seconds * power, kind="estimated", basis=words)


def _run_of(path: Path | None) -> Summary | None:
    """The summary of the pruning run in `path`, where one is finished there."""
    if path is None or not (path / "run.json").exists():
        return None
    return RunDirectory(path).finished()
