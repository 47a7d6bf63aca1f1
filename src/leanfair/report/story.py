"""What a run found, in sentences: the headline, whether the target was met, the key numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leanfair.report import formats as f

Summary = Mapping[str, Any]

COSTS = {"macs": "MACs", "params": "parameters", "latency": "latency", "memory": "memory"}
"""How a target is called in a sentence."""


@dataclass(frozen=True)
class Tile:
    """A key number. `change` is what happened to it, in large letters; `note` says why it is
    missing, or on what it was measured."""

    label: str
    change: str
    before: str = ""
    after: str = ""
    note: str = ""


def cost(summary: Summary) -> str:
    """What the run was asked to remove a share of."""
    of = str(summary["settings"]["of"])
    return COSTS.get(of, of)


def pair(found: Any) -> tuple[float, float] | None:
    """Before and after, where both are known."""
    if not found:
        return None
    before, after = f.finite(found.get("before")), f.finite(found.get("after"))
    return None if before is None or after is None else (before, after)


def headline(summary: Summary) -> str:
    """What was removed and what it cost."""
    name = str(summary["model"].get("title") or summary["model"]["name"])
    if not summary["steps"]:
        return f"{name} stays as it is: nothing was removed."
    removed = f.finite(summary["removed"]) or 0.0
    if removed > 0:
        what = f"{name} lost {f.percent(removed)} of its {cost(summary)}"
    else:
        what = f"{name} was cut, but its {cost(summary)} did not fall"
    accuracy = pair(summary.get("accuracy"))
    if accuracy is None:
        return f"{what}. What that cost in accuracy was not measured."
    if _same(accuracy):
        return f"{what} and kept its accuracy."
    difference = f.points(*sorted(accuracy))[1:]
    if accuracy[1] > accuracy[0]:
        return f"{what} and gained {difference} points of accuracy."
    joint = "and" if removed > 0 else "and it lost"
    return f"{what} {joint} {difference} points of accuracy."


def _same(accuracy: tuple[float, float]) -> bool:
    return abs(accuracy[1] - accuracy[0]) < 5e-5


def met(summary: Summary) -> bool:
    """Whether the share asked for was removed."""
    return bool(summary["removed"] >= summary["settings"]["cut"])


def verdict(summary: Summary) -> str:
    """What was asked and what was done; why, where that is less."""
    removed, asked = f.apart(float(summary["removed"]), float(summary["settings"]["cut"]))
    done = f"Asked for {asked}, removed {removed} of the {cost(summary)}"
    kinds = [step["chosen"] for step in summary["steps"]]
    if met(summary):
        return f"{done} in {f.plural(len(kinds), 'round')}."
    why = str(summary.get("stopped_because") or "the run ended").rstrip(".")
    when = f"after {f.plural(len(kinds), 'round')}" if kinds else "before its first round was done"
    return f"{done}. The run stopped {when} because {why}."


def accuracy_note(summary: Summary) -> str:
    """On what the accuracy was measured and what follows; why there is none."""
    size = summary["data"].get("test")
    if pair(summary.get("accuracy")) is not None:
        held = f"{f.exact(size)} test samples" if size else "test data"
        return f"Accuracy is on {held} that took no part in any choice.{_interval(summary)}"
    why = "the test data have no labels" if size else "there were no test data"
    note = f"Accuracy on test data is unknown: {why}."
    watched = pair(summary.get("calibration_accuracy"))
    if watched is not None:
        note += (
            f" On the calibration data it went from {f.percent(watched[0], 2)} to "
            f"{f.percent(watched[1], 2)} ({f.points(*watched)} points), but those data also took "
            f"part in the choices, so this may flatter."
        )
    return note


def _interval(summary: Summary) -> str:
    """The interval of the change of accuracy, where it is known."""
    found = summary.get("accuracy_change") or {}
    low, high = f.finite(found.get("low")), f.finite(found.get("high"))
    if low is None or high is None:
        return ""
    return (
        f" The change lies between {f.points(0.0, low)} and {f.points(0.0, high)} points (95 % "
        f"interval): {f.plural(int(found['lost']), 'sample')} went wrong that had been right, and "
        f"{int(found['gained']):,} the other way."
    )


def tiles(summary: Summary) -> list[Tile]:
    """The key numbers, before and after."""
    return [
        _amount("MACs", summary["macs"], f.short),
        _amount("Parameters", summary["params"], f.parameters),
        _amount("File size", summary["bytes"], f.size),
        _accuracy(summary),
        _latency(summary),
    ]


def _amount(label: str, found: Any, form: Any) -> Tile:
    before, after = found["before"], found["after"]
    return Tile(label, f.change(before, after), form(before), form(after))


def _accuracy(summary: Summary) -> Tile:
    found = pair(summary.get("accuracy"))
    if found is not None:
        old, new = (f.percent(share, 2) for share in found)
        return Tile("Accuracy, points", f.points(*found), old, new, "on test data")
    why = "no test labels" if summary["data"].get("test") else "no test data"
    return Tile("Accuracy", "unknown", note=why)


def _latency(summary: Summary) -> Tile:
    found = summary.get("latency") or {"before": {}}
    sizes = sorted(found["before"], key=int)
    if not sizes:
        return Tile("Latency", "unknown", note="not measured")
    before, after = (found[when][sizes[0]]["median"] for when in ("before", "after"))
    return Tile(
        f"Latency, batch {sizes[0]}", f.change(before, after),
        f.milliseconds(before), f.milliseconds(after),
    )  # fmt: skip


def choices(summary: Summary) -> str:
    """How often a layer went, and how often neurons."""
    kinds = [step["chosen"] for step in summary["steps"]]
    layers, neurons = kinds.count("layer"), kinds.count("neurons")
    if not kinds:
        return "No round was finished."
    went = [
        f"{name} went {'once' if count == 1 else 'twice' if count == 2 else f'{count:,} times'}"
        for name, count in (("layers", layers), ("neurons", neurons))
        if count
    ]
    return f"{f.plural(len(kinds), 'round')}: {', '.join(went)}."


def interval(summary: Summary) -> str:
    """How far the accuracy after can be trusted by itself; empty where it is not known."""
    found, size = pair(summary.get("accuracy")), f.finite(summary["data"].get("test"))
    if found is None or not size:
        return ""
    low, high = wilson(found[1], size)
    return (
        f"With {f.exact(size)} test samples, an accuracy of {f.percent(found[1], 2)} by itself is "
        f"known to within {f.percent(low)}–{f.percent(high)} (95% interval, Wilson). A smaller "
        f"change may be chance."
    )


def wilson(share: float, size: float, z: float = 1.96) -> tuple[float, float]:
    """The interval that holds the true share with 95% confidence (Wilson 1927)."""
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    half /= 1 + z * z / size
    return max(0.0, centre - half), min(1.0, centre + half)
