"""What a finished run found, as a small table and a few sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from leanfair.pruning.types import COSTS

Row = tuple[str, float, float, Callable[[float], str]]


def print_result(console: Console, summary: Mapping[str, Any], out: str) -> None:
    """Print what `summary` (the content of summary.json) of the run in directory `out` says."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "before", "after", "change"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for name, before, after, form in _rows(summary):
        table.add_row(name, form(before), form(after), _change(name, before, after))
    console.print(table, markup=False, highlight=False)
    for line in (outcome(summary), *_interval(summary), f"Report: {out.rstrip('/')}/report.html"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def outcome(summary: Mapping[str, Any]) -> str:
    """Whether the target was met, in one sentence that says why if it was not."""
    settings, steps = summary["settings"], summary["steps"]
    cost = COSTS.get(settings["of"], settings["of"])
    kinds = [step["chosen"] for step in steps]
    rounds = f"{len(kinds)} round{'' if len(kinds) == 1 else 's'}"
    if summary["removed"] >= settings["cut"]:
        return (
            f"Removed {summary['removed']:.1%} of the {cost} in {rounds} "
            f"({kinds.count('layer')} of layers, {kinds.count('neurons')} of neurons)."
        )
    return (
        f"The target was NOT met: {summary['removed']:.1%} of the {cost} removed in {rounds}, not "
        f"{settings['cut']:.1%}, because {summary['stopped_because']}."
    )


def _interval(summary: Mapping[str, Any]) -> list[str]:
    """The interval of the change on test data, where it is known."""
    found = summary.get("perplexity_change")
    if found and found["low"] is not None:
        return [
            f"Perplexity on {found['tokens']:,} test tokens is {perplexity(found['value'])} times "
            f"what it was (95 % interval {perplexity(found['low'])} to "
            f"{perplexity(found['high'])})."
        ]
    found = summary.get("accuracy_change")
    if not found:
        return []
    return [
        f"Accuracy on {found['samples']:,} test samples changed by {100 * found['value']:+.2f} "
        f"points (95 % interval {100 * found['low']:+.2f} to {100 * found['high']:+.2f})."
    ]


def _rows(summary: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [
        ("MACs", *_pair(summary["macs"]), _count),
        ("parameters", *_pair(summary["params"]), _count),
        ("file size", *_pair(summary["bytes"]), _size),
    ]
    for name, form in (("accuracy", lambda share: f"{share:.2%}"), ("perplexity", perplexity)):
        for key, data in ((name, "test"), (f"calibration_{name}", "calibration")):
            if summary.get(key):
                rows.append((f"{name} ({data})", *_pair(summary[key]), form))
    latency = summary.get("latency") or {"before": {}, "after": {}}
    for size, before in latency["before"].items():
        after = latency["after"][size]
        rows.append((f"latency, batch {size}", before["median"], after["median"], _milliseconds))
    return rows


def _pair(found: Mapping[str, float]) -> tuple[float, float]:
    return found["before"], found["after"]


def _change(name: str, before: float, after: float) -> str:
    if name.startswith("accuracy"):
        return f"{100 * (after - before):+.2f} points"
    if name.startswith("perplexity") and after > 2 * before:
        return f"{perplexity(after / before)} times"
    return f"{after / before - 1.0:+.1%}" if before else ""


def perplexity(value: float) -> str:
    """A perplexity, which of a broken network may be beyond all measure."""
    return f"{value:,.2f}" if value < 1e6 else f"{value:.2e}"


def _count(value: float) -> str:
    return f"{int(value):,}"


def _size(value: float) -> str:
    return f"{value / 1e6:,.2f} MB" if value >= 1e6 else f"{value / 1e3:,.1f} kB"


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:,.2f} ms"
