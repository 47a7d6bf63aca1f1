"""Which measure a run took, in words: that of `leanfair.pruning.report.quality`, or an error or a
similarity; and how single classes fared."""

from __future__ import annotations

import math
from typing import Any

from leanfair.html import formats as f
from leanfair.html.svg import Scale, digits_for
from leanfair.pruning.report.quality import ACCURACY, PERPLEXITY, Pair, Quality, pair, roomy
from leanfair.pruning.schema import Summary

MOST_CLASSES = 30
"""Classes in the table, those that lost most."""


def quality_of(summary: Summary) -> Quality:
    """What the run measured."""
    return {
        "accuracy": ACCURACY,
        "perplexity": PERPLEXITY,
        "error": ERROR,
        "similarity": SIMILARITY,
    }[summary["quality"]]


def problem(summary: Summary) -> str:
    """What the outputs were taken for, and what told it, in a sentence; empty in a run of an older
    version, which did not say."""
    found = summary["problem"]
    if found is None:
        return ""
    told = {
        "asked": "as the run was told",
        "configuration": "as the model's configuration says",
        "labels": "as the labels show",
        "outputs": "as the shape of the outputs suggests",
    }[found["known_by"]]
    what = {
        "single_label_classification": "logits of classes, of which one is true",
        "multi_label_classification": "logits of yes or no, each for itself",
        "regression": "numbers",
        "feature_extraction": "a representation of the inputs",
    }[found["type"]]
    return f"The outputs were taken for {what}, {told}."


def classes(summary: Summary) -> str:
    """How the worst class fared beside all, in a sentence; empty where that is unknown."""
    worst, balanced = summary["worst_class"], pair(summary["balanced_accuracy"])
    if worst is None or balanced is None:
        return ""
    words = (
        f"Balanced over all classes, accuracy went from {f.percent(balanced[0], 2)} to "
        f"{f.percent(balanced[1], 2)}."
    )
    if worst["after"] < worst["before"]:
        words += (
            f" The class that lost most is {worst['name']}: from "
            f"{f.percent(worst['before'], 2)} to {f.percent(worst['after'], 2)} of its "
            f"{f.plural(worst['samples'], 'test sample')}."
        )
    return words


def class_rows(summary: Summary) -> list[tuple[str, str, str, str, str]]:
    """The classes that lost most: name, samples, before, after and change, in words."""
    found = sorted(summary["classes"] or [], key=lambda each: each["after"] - each["before"])
    return [
        (
            each["name"],
            f.exact(each["samples"]),
            f.percent(each["before"], 2),
            f.percent(each["after"], 2),
            f"{f.points(each['before'], each['after'])} points",
        )
        for each in found[:MOST_CLASSES]
    ]


# ---- error: the mean squared difference from what the labels say; lower is better ---------------


def number(value: Any) -> str:
    """A number of any size, in four digits."""
    return f.DASH if value is None else f"{value:,.4g}"


def _scale(known: list[float], top: float, bottom: float) -> Scale:
    return roomy(known, top, bottom, least=0.02 * max(known) or 1.0, highest=math.inf)


def _ticks(values: list[float]) -> list[str]:
    digits = digits_for(values)
    return [f"{value:,.{digits}f}" for value in values]


def _error_outcome(found: Pair, joint: str) -> str:
    if found is None:
        return ". What that cost in error was not measured."
    old, new = number(found[0]), number(found[1])
    if old == new:
        return f", and its mean squared error stayed {old}."
    way = "rose" if found[1] > found[0] else "fell"
    return f", and its mean squared error {way} from {old} to {new}."


def _error_interval(summary: Summary) -> str:
    found = summary["error_change"]
    if found is None or found["low"] is None or found["high"] is None:
        return ""
    return (
        f" The change, {number(found['value'])}, lies between {number(found['low'])} and "
        f"{number(found['high'])} (95 % interval, both networks on the same samples)."
    )


def _error_trust(summary: Summary) -> str:
    if pair(summary["error"]) is None:
        return ""
    return (
        "The mean squared error is in the square of the labels' unit, and says nothing by itself: "
        "hold it against the variance of the labels."
    )


ERROR = Quality(
    name="error",
    title="Mean squared error",
    unseen="Without labelled test data there is nothing to say about how well the smaller network "
    "predicts what it has not seen.",
    test=lambda summary: pair(summary["error"]),
    watched=lambda summary: pair(summary["calibration_error"]),
    after=lambda step: step["error"],
    form=number,
    label=number,
    scale=_scale,
    ticks=_ticks,
    change=f.growth,
    difference=f.growth,
    outcome=_error_outcome,
    interval=_error_interval,
    extent=lambda summary: "",
    trust=_error_trust,
)


# ---- similarity: the cosine between what both networks make of a sample -------------------------


def _cosine(value: Any) -> str:
    return f.DASH if value is None else f"{value:.4f}"


def _similarity_scale(known: list[float], top: float, bottom: float) -> Scale:
    return roomy(known, top, bottom, least=0.01, lowest=-1.0)


def _similarity_outcome(found: Pair, joint: str) -> str:
    if found is None:
        return ". How alike it still represents its inputs was not measured."
    return (
        f"; what it makes of a sample has a cosine of {_cosine(found[1])} to what it made before."
    )


def _similarity_interval(summary: Summary) -> str:
    found = summary["similarity_change"]
    if found is None or found["rank_correlation"] is None:
        return ""
    return (
        f" How similar pairs of samples are keeps its order with a rank correlation of "
        f"{_cosine(found['rank_correlation'])} (Spearman's)."
    )


def _similarity_trust(summary: Summary) -> str:
    if pair(summary["similarity"]) is None:
        return ""
    return (
        "A cosine of 1 is the same direction. What counts for search is the order of similarities, "
        "which the rank correlation tells; hold it against your own task."
    )


SIMILARITY = Quality(
    name="similarity",
    title="Similarity to before",
    unseen="Without test data there is nothing to say about how the smaller network represents "
    "what it has not seen.",
    test=lambda summary: pair(summary["similarity"]),
    watched=lambda summary: pair(summary["calibration_similarity"]),
    after=lambda step: step["similarity"],
    form=_cosine,
    label=_cosine,
    scale=_similarity_scale,
    ticks=_ticks,
    change=lambda before, after: _cosine(after),
    difference=lambda before, after: f"{_cosine(after)} of 1",
    outcome=_similarity_outcome,
    interval=_similarity_interval,
    extent=lambda summary: "",
    trust=_similarity_trust,
)
