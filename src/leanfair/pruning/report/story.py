"""What a run found, in sentences: the headline, whether the target was met, the key numbers."""

from __future__ import annotations

from collections.abc import Callable

from leanfair.html import formats as f
from leanfair.html.page import Tile
from leanfair.pruning.report.measures import quality_of
from leanfair.pruning.report.quality import missing
from leanfair.pruning.schema import Counts, Summary
from leanfair.pruning.types import COSTS


def cost(summary: Summary) -> str:
    """What the run was asked to remove a share of."""
    return COSTS[summary["settings"]["of"]]


def headline(summary: Summary) -> str:
    """What was removed and what it cost."""
    name, quality = summary["model"]["title"], quality_of(summary)
    if not summary["steps"]:
        return f"{name} stays as it is: nothing was removed."
    removed = summary["removed"]
    if removed > 0:
        what = f"{name} lost {f.percent(removed)} of its {cost(summary)}"
    else:
        what = f"{name} was cut, but its {cost(summary)} did not fall"
    joint = "and" if removed > 0 else "and it lost"
    told = f"{what}{quality.outcome(quality.test(summary), joint)}"
    return f"{told} {stock(summary)}".rstrip()


def stock(summary: Summary) -> str:
    """That transformers no longer opens the result, where that was not asked for; else empty."""
    if summary["stock"] is not False or summary["settings"]["free"]:
        return ""
    return "Its configuration no longer tells its shape: only leanfair.load opens it."


def met(summary: Summary) -> bool:
    """Whether the share asked for was removed."""
    return summary["removed"] >= summary["settings"]["cut"]


def verdict(summary: Summary) -> str:
    """What was asked and what was done; why, where that is less."""
    removed, asked = f.apart(summary["removed"], summary["settings"]["cut"])
    done = f"Asked for {asked}, removed {removed} of the {cost(summary)}"
    kinds = [step["chosen"] for step in summary["steps"]]
    if met(summary):
        return f"{done} in {f.plural(len(kinds), 'round')}."
    why = summary["stopped_because"].rstrip(".")
    when = f"after {f.plural(len(kinds), 'round')}" if kinds else "before its first round was done"
    return f"{done}. The run stopped {when} because {why}."


def tiles(summary: Summary) -> list[Tile]:
    """The key numbers, before and after."""
    return [
        _amount("MACs", summary["macs"], f.short),
        _amount("Parameters", summary["params"], f.parameters),
        _amount("File size", summary["bytes"], f.size),
        _quality(summary),
        _latency(summary),
    ]


def _amount(label: str, found: Counts, form: Callable[[int], str]) -> Tile:
    before, after = found["before"], found["after"]
    return Tile(label, f.change(before, after), form(before), form(after))


def _quality(summary: Summary) -> Tile:
    quality = quality_of(summary)
    found = quality.test(summary)
    if found is not None:
        old, new = (quality.form(value) for value in found)
        return Tile(quality.title, quality.change(*found), old, new, "on test data")
    return Tile(quality.name.capitalize(), "unknown", note=missing(summary))


def _latency(summary: Summary) -> Tile:
    found = summary["latency"]
    if found is None:
        return Tile("Latency", "unknown", note="not measured")
    size = min(found["before"], key=int)
    before, after = found["before"][size]["median"], found["after"][size]["median"]
    return Tile(
        f"Latency, batch {size}", f.change(before, after),
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
