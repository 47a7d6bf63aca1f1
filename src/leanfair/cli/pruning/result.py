"""What a finished run found, as a small table and a few sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from leanfair.pruning.measured_schema import Numbers
from leanfair.pruning.report import energy, measures, story
from leanfair.pruning.report.page import filled
from leanfair.pruning.schema import Counts, Summary
from leanfair.pruning.types import COSTS

Measure = Literal["accuracy", "perplexity", "error", "similarity"]
WATCHED: dict[
    Measure,
    Literal[
        "calibration_accuracy",
        "calibration_perplexity",
        "calibration_error",
        "calibration_similarity",
    ],
] = {
    "accuracy": "calibration_accuracy",
    "perplexity": "calibration_perplexity",
    "error": "calibration_error",
    "similarity": "calibration_similarity",
}
Row = tuple[str, float, float, Callable[[float], str]]


def print_result(console: Console, summary: Summary, out: str) -> None:
    """Print what `summary` (the content of summary.json) of the run in directory `out` says."""
    summary = filled(summary)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "before", "after", "change"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for name, before, after, form in _rows(summary):
        table.add_row(name, form(before), form(after), _change(name, before, after))
    console.print(table, markup=False, highlight=False)
    for line in (
        outcome(summary),
        *_interval(summary),
        *_notes(summary),
        _energy(summary),
        f"Report: {out.rstrip('/')}/report.html",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def outcome(summary: Summary) -> str:
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


def _interval(summary: Summary) -> list[str]:
    """The interval of the change on test data, where it is known."""
    growth = summary["perplexity_change"]
    if growth and growth["low"] is not None and growth["high"] is not None:
        return [
            f"Perplexity on {growth['tokens']:,} test tokens is {perplexity(growth['value'])} "
            f"times what it was (95 % interval {perplexity(growth['low'])} to "
            f"{perplexity(growth['high'])})."
        ]
    error = summary["error_change"]
    if error and error["low"] is not None and error["high"] is not None:
        return [
            f"The mean squared error on {error['samples']:,} test samples changed by "
            f"{error['value']:+.4g} (95 % interval {error['low']:+.4g} to {error['high']:+.4g})."
        ]
    alike = summary["similarity_change"]
    if alike and alike["rank_correlation"] is not None:
        return [
            f"How similar pairs of {alike['samples']:,} test samples are keeps its order with a "
            f"rank correlation of {alike['rank_correlation']:.4f}."
        ]
    found = summary["accuracy_change"]
    if not found:
        return []
    return [
        f"Accuracy on {found['samples']:,} test samples changed by {100 * found['value']:+.2f} "
        f"points (95 % interval {100 * found['low']:+.2f} to {100 * found['high']:+.2f})."
    ]


def _notes(summary: Summary) -> list[str]:
    """How single classes fared, and what the outputs were taken for where that is a guess."""
    problem = summary["problem"]
    numbers = problem is not None and problem["type"] == "regression"
    guessed = numbers and problem is not None and problem["known_by"] == "outputs"
    guess = f"{measures.problem(summary)} If they are not, give problem_type." if guessed else ""
    lines = (story.stock(summary), measures.classes(summary), guess, *(summary["notes"] or ()))
    return [line for line in lines if line]


def _energy(summary: Summary) -> str:
    """What the run took."""
    found = summary["energy"]
    if found is None or found["total"]["kwh"] is None:
        return energy.energy(summary)
    line = f"The run took {energy.amount(found)}; {energy.carbon(found)}."
    return line.replace("\u00a0", " ")  # a terminal shows spaces that do not break as it likes


def _rows(summary: Summary) -> list[Row]:
    rows: list[Row] = [
        ("MACs", *_pair(summary["macs"]), _count),
        ("parameters", *_pair(summary["params"]), _count),
        ("file size", *_pair(summary["bytes"]), _size),
    ]
    forms: tuple[tuple[Measure, Callable[[float], str]], ...] = (
        ("accuracy", lambda share: f"{share:.2%}"),
        ("perplexity", perplexity),
        ("error", lambda value: f"{value:,.4g}"),
        ("similarity", lambda value: f"{value:.4f}"),
    )
    for name, form in forms:
        if (found := summary[name]) is not None:
            rows.append((f"{name} (test)", *_pair(found), form))
        if (watched := summary[WATCHED[name]]) is not None:
            rows.append((f"{name} (calibration)", *_pair(watched), form))
    if (balanced := summary["balanced_accuracy"]) is not None:
        rows.append(("balanced accuracy", *_pair(balanced), forms[0][1]))
    if (latency := summary["latency"]) is None:
        return rows
    for size, before in latency["before"].items():
        after = latency["after"][size]
        rows.append((f"latency, batch {size}", before["median"], after["median"], _milliseconds))
    return rows


def _pair(found: Numbers | Counts) -> tuple[float, float]:
    return found["before"], found["after"]


def _change(name: str, before: float, after: float) -> str:
    if "accuracy" in name:
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
