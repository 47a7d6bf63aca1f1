"""How well a network does, in words: by the accuracy of its answers, or by its perplexity. What is
measured otherwise is in `leanfair.pruning.report.measures`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from leanfair.html import formats as f
from leanfair.html.svg import LogScale, Scale, digits_for
from leanfair.pruning.measured_schema import Numbers
from leanfair.pruning.schema import StepEntry, Summary
from leanfair.statistics import wilson

Pair: TypeAlias = "tuple[float, float] | None"
"""Before and after, where they are known."""

WIDE = 4.0
"""A perplexity that grows by more than this factor is shown on a logarithmic scale."""
MOST = 1e308
"""No chart goes beyond this."""


@dataclass(frozen=True)
class Quality:
    """A measure of how well a network does: where a summary has it, and how it is told."""

    name: Literal["accuracy", "perplexity", "error", "similarity"]
    title: str
    """What stands above its change."""
    unseen: str
    """What is said where there is none on test data."""
    test: Callable[[Summary], Pair]
    """On test data, before and after."""
    watched: Callable[[Summary], Pair]
    """On calibration data, before and after."""
    after: Callable[[StepEntry], float | None]
    """On calibration data, after a round."""
    form: Callable[[Any], str]
    """A value for tables and sentences."""
    label: Callable[[Any], str]
    """A value beside its mark in a chart."""
    scale: Callable[[list[float], float, float], Scale]
    """A vertical scale from `top` to `bottom`, with some room around the values that are known."""
    ticks: Callable[[list[float]], list[str]]
    """Ticks of that scale in words."""
    change: Callable[[float, float], str]
    """What became of it, in large letters."""
    difference: Callable[[float, float], str]
    """The same inside a sentence."""
    outcome: Callable[[Pair, str], str]
    """How a headline ends that told what was lost; the second argument joins what was lost, too."""
    interval: Callable[[Summary], str]
    """The interval of its change, in a sentence that begins with a space; empty where unknown."""
    extent: Callable[[Summary], str]
    """How much was asked of the test samples, in brackets."""
    trust: Callable[[Summary], str]
    """How far it can be trusted by itself; empty without test data."""


def note(quality: Quality, summary: Summary) -> str:
    """On what the quality was measured and what follows; why there is none."""
    size, name = summary["data"]["test"], quality.name.capitalize()
    if quality.test(summary) is not None:
        held = f"{f.exact(size)} test samples{quality.extent(summary)}"
        took = "that took no part in any choice."
        return f"{name} is on {held} {took}{quality.interval(summary)}"
    why = "the test data have no labels" if size else "there were no test data"
    words = f"{name} on test data is unknown: {why}."
    watched = quality.watched(summary)
    if watched is not None:
        words += (
            f" On the calibration data it went from {quality.form(watched[0])} to "
            f"{quality.form(watched[1])} ({quality.difference(*watched)}), but those data also "
            f"took part in the choices, so this may flatter."
        )
    return words


def missing(summary: Summary) -> str:
    """Why there is no quality on test data, in a few words."""
    return "no test labels" if summary["data"]["test"] else "no test data"


def pair(found: Numbers | None) -> Pair:
    """Before and after, where they are known."""
    return None if found is None else (found["before"], found["after"])


# ---- accuracy: the share of samples that are classified as their labels say ---------------------


def _accuracy(value: Any) -> str:
    return f.percent(value, 2)


def _accuracy_scale(known: list[float], top: float, bottom: float) -> Scale:
    return roomy(known, top, bottom, least=0.01)


def _accuracy_ticks(values: list[float]) -> list[str]:
    digits = digits_for([100 * value for value in values])
    return [f.percent(value, digits) for value in values]


def _accuracy_outcome(found: Pair, joint: str) -> str:
    if found is None:
        return ". What that cost in accuracy was not measured."
    if abs(found[1] - found[0]) < 5e-5:
        return " and kept its accuracy."
    difference = f.points(*sorted(found))[1:]
    if found[1] > found[0]:
        return f" and gained {difference} points of accuracy."
    return f" {joint} {difference} points of accuracy."


def _accuracy_interval(summary: Summary) -> str:
    found = summary["accuracy_change"]
    if found is None:
        return ""
    lost = f.plural(found["lost"], "sample")
    return (
        f" The change lies between {f.points(0.0, found['low'])} and "
        f"{f.points(0.0, found['high'])} points (95 % interval): {lost} went wrong that had been "
        f"right, and {found['gained']:,} the other way."
    )


def _accuracy_trust(summary: Summary) -> str:
    found, size = pair(summary["accuracy"]), summary["data"]["test"]
    if found is None or not size:
        return ""
    low, high = wilson(found[1], size)
    return (
        f"With {f.exact(size)} test samples, an accuracy of {f.percent(found[1], 2)} by itself is "
        f"known to within {f.percent(low)}–{f.percent(high)} (95% interval, Wilson). A smaller "
        f"change may be chance."
    )


ACCURACY = Quality(
    name="accuracy",
    title="Accuracy, points",
    unseen="Without labelled test data there is nothing to say about how well the smaller network "
    "decides on data it has not seen.",
    test=lambda summary: pair(summary["accuracy"]),
    watched=lambda summary: pair(summary["calibration_accuracy"]),
    after=lambda step: step["accuracy"],
    form=_accuracy,
    label=f.percent,
    scale=_accuracy_scale,
    ticks=_accuracy_ticks,
    change=f.points,
    difference=lambda before, after: f"{f.points(before, after)} points",
    outcome=_accuracy_outcome,
    interval=_accuracy_interval,
    extent=lambda summary: "",
    trust=_accuracy_trust,
)


# ---- perplexity: how many words a language model wavers between at each token; lower is better --


def _perplexity_scale(known: list[float], top: float, bottom: float) -> Scale:
    low, high = min(known), max(known)
    if high <= WIDE * low:
        return roomy(known, top, bottom, least=0.05 * low, lowest=1.0, highest=math.inf)
    room = (high / low) ** 0.12
    return LogScale(max(1.0, low / room), min(high * room, MOST), bottom, top)


def _perplexity_ticks(values: list[float]) -> list[str]:
    if values and values[-1] >= 1e5:
        return [f.perplexity(value) for value in values]
    digits = digits_for(values)
    return [f"{value:,.{digits}f}" for value in values]


def _perplexity_outcome(found: Pair, joint: str) -> str:
    if found is None:
        return ". What that cost in perplexity was not measured."
    old, new = f.perplexity(found[0]), f.perplexity(found[1])
    if abs(found[1] / found[0] - 1.0) < 5e-4:
        return " and kept its perplexity."
    way = "rose" if found[1] > found[0] else "fell"
    return f", and its perplexity {way} from {old} to {new}."


def _perplexity_interval(summary: Summary) -> str:
    found, change = pair(summary["perplexity"]), summary["perplexity_change"]
    if found is None or change is None or change["low"] is None or change["high"] is None:
        return ""
    return (
        f" It is {f.perplexity(found[1] / found[0])} times what it was (95 % interval "
        f"{f.perplexity(change['low'])} to {f.perplexity(change['high'])}, both networks on the "
        f"same samples)."
    )


def _perplexity_extent(summary: Summary) -> str:
    change = summary["perplexity_change"]
    return "" if change is None else f" ({f.exact(change['tokens'])} tokens)"


def _perplexity_trust(summary: Summary) -> str:
    if pair(summary["perplexity"]) is None:
        return ""
    words = (
        "Perplexity is the exponential of the mean loss of a token, and says nothing by itself: "
        "other text, or another way of cutting it into tokens, gives another number."
    )
    if _perplexity_interval(summary):
        words += " The interval of its change counts whole samples, as the tokens of one are alike."
    return words


PERPLEXITY = Quality(
    name="perplexity",
    title="Perplexity",
    unseen="Without test data there is nothing to say about how well the smaller network predicts "
    "text it has not seen.",
    test=lambda summary: pair(summary["perplexity"]),
    watched=lambda summary: pair(summary["calibration_perplexity"]),
    after=lambda step: step["perplexity"],
    form=f.perplexity,
    label=f.perplexity,
    scale=_perplexity_scale,
    ticks=_perplexity_ticks,
    change=f.growth,
    difference=f.growth,
    outcome=_perplexity_outcome,
    interval=_perplexity_interval,
    extent=_perplexity_extent,
    trust=_perplexity_trust,
)


def roomy(
    known: list[float],
    top: float,
    bottom: float,
    least: float,
    lowest: float = 0.0,
    highest: float = 1.0,
) -> Scale:
    """A scale with some room around what is shown, though not past `lowest` and `highest`; it spans
    `least`, so that noise is not blown up."""
    low, high = min(known), max(known)
    room = max(0.12 * (high - low), (least - (high - low)) / 2)
    floor, ceiling = min(low, lowest), max(high, highest)
    return Scale(max(floor, low - room), min(ceiling, high + room), bottom, top)
