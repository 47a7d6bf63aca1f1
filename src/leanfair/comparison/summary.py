"""summary.json of a comparison: its sections put together, with the sentences on top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone

from torch import nn

from leanfair.comparison import cost, energy, quality
from leanfair.comparison.headline import headline_of
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.robustness import robustness
from leanfair.comparison.schema.cost import Cost
from leanfair.comparison.schema.energy import Energy
from leanfair.comparison.schema.quality import Quality
from leanfair.comparison.schema.robustness import Robustness
from leanfair.comparison.schema.summary import DataEntry, Kind, MachineEntry, SideEntry, Summary
from leanfair.comparison.schema.whom import Whom
from leanfair.comparison.sides.fitting import first_of
from leanfair.comparison.sides.overlap import overlap_note
from leanfair.comparison.sides.run import run_of
from leanfair.comparison.whom import whom
from leanfair.data.batches import Batch, Source
from leanfair.models.origin import fingerprint
from leanfair.models.tensors import packed_count
from leanfair.pruning.run.record import size_of
from leanfair.pruning.run.sources import notes_of
from leanfair.pruning.run.summary import machine
from leanfair.version import __version__

FORMAT = 1
QUANTISED = (
    "{name} has layers that torch keeps quantised: it is measured as it runs, and what cannot be "
    "measured so is said."
)


def summary_of(
    pair: Pair,
    *,
    data: DataEntry | None,
    seed: int,
    seconds: float,
    notes: list[str],
    missing: Mapping[str, str],
    quality_entry: Quality | None,
    whom_entry: Whom | None = None,
    robustness_entry: Robustness | None = None,
    cost_entry: Cost | None = None,
    energy_entry: Energy | None = None,
) -> Summary:
    """The content of summary.json: plain JSON types only."""
    said = [
        quality.said_of(quality_entry),
        whom.said_of(whom_entry),
        robustness.said_of(robustness_entry),
        cost.said_of(cost_entry),
        energy.said_of(energy_entry),
    ]
    found: Summary = {
        "format": FORMAT,
        "leanfair": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": seconds,
        "headline": headline_of(pair.child.name, said),
        "parent": _side(pair.parent),
        "child": _side(pair.child),
        "kind": kind_of(pair),
        "data": data,
        "seed": seed,
        "notes": notes,
        "missing": dict(missing),
        "quality": quality_entry,
        "whom": whom_entry,
        "robustness": robustness_entry,
        "cost": cost_entry,
        "energy": energy_entry,
        "machine": _machine(pair.child),
    }
    plain: Summary = json.loads(json.dumps(found, allow_nan=False))
    return plain


def kind_of(pair: Pair) -> Kind:
    """What the outputs of both models mean."""
    if pair.problem is None:
        return "language"
    return pair.problem.type


def data_of(pair: Pair, test: Source) -> DataEntry:
    """What there is to say of the test data."""
    return {
        "samples": size_of(test),
        "labelled": first_of(test, 1).labels is not None,
        "classes": list(pair.classes),
    }


def notes_about(pair: Pair, test: Source | None) -> list[str]:
    """What was assumed of the models and the data, each once."""
    found = [*pair.parent.notes, *pair.child.notes, *notes_of(test)]
    found += [QUANTISED.format(name=side.name) for side in pair.sides if packed_count(side.model)]
    run = run_of(pair.child)
    if run is not None and test is not None:
        found += filter(None, [overlap_note(run, test)])
    return list(dict.fromkeys(found))


def _machine(side: Side) -> MachineEntry:
    """What `side` stands on."""
    first = next(side.model.parameters(), None)
    return {**machine(None if first is None else Batch(first))}


def params_of(model: nn.Module) -> int:
    """How many parameters a network has, those of quantised layers among them."""
    return sum(each.numel() for each in model.parameters()) + packed_count(model)


def _side(side: Side) -> SideEntry:
    pixels = side.pixels
    return {
        "name": side.name,
        "model": type(side.model).__name__,
        "fingerprint": fingerprint(side.model),
        "path": None if side.path is None else str(side.path),
        "params": params_of(side.model),
        "mean": None if pixels is None else list(pixels.mean),
        "std": None if pixels is None else list(pixels.std),
    }
