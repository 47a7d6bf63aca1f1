"""How well a network does, in words: by the accuracy of its answers, or by its perplexity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from leanfair.html import formats as f
from leanfair.html.svg import LogScale, Scale, digits_for
from leanfair.statistics import wilson

Summary: TypeAlias = Mapping[str, Any]
Before: TypeAlias = "tuple[float, float] | None"

WIDE = 4.0
"""A perplexity that grows by more than this factor is shown on a logarithmic scale."""


MOST = 1e308
"""No chart goes beyond this."""


def pair(found: Any) -> Before:
    """Before and after, where both are known."""
    if not found:
        return None
    before, after = f.finite(found.get("before")), f.finite(found.get("after"))
    return None if before is None or after is None else (before, after)


def quality_of(summary: Summary) -> Quality:
    """What the run measured."""
    return PERPLEXITY if summary.get("quality") == "perplexity" else ACCURACY


class Quality:
    """A measure of how well a network does: where a summary has it, and how it is told.

    `name` is its key there, and `unseen` what is said where there is none on test data.
    """

    name = ""
    unseen = ""

    def test(self, summary: Summary) -> Before:
        """On test data, before and after."""
        return pair(summary.get(self.name))

    def watched(self, summary: Summary) -> Before:
        """On calibration data, before and after."""
        return pair(summary.get(f"calibration_{self.name}"))

    def after(self, step: Mapping[str, Any]) -> float | None:
        """On calibration data, after a round."""
        return f.finite(step.get(self.name))

    def form(self, value: Any) -> str:
        """A value for tables and sentences."""
        raise NotImplementedError

    def label(self, value: Any) -> str:
        """A value beside its mark in a chart."""
        return self.form(value)

    def scale(self, known: list[float], top: float, bottom: float) -> Scale:
        """A vertical scale with some room around what is known."""
        raise NotImplementedError

    def ticks(self, values: list[float]) -> list[str]:
        """Ticks of that scale in words."""
        raise NotImplementedError

    def outcome(self, summary: Summary, joint: str) -> str:
        """How a headline ends, after `joint` where something was lost."""
        raise NotImplementedError

    def change(self, before: float, after: float) -> str:
        """What became of it, in large letters."""
        raise NotImplementedError

    def interval(self, summary: Summary) -> str:
        """The interval of its change, where that is known."""
        raise NotImplementedError

    def trust(self, summary: Summary) -> str:
        """How far it can be trusted by itself."""
        raise NotImplementedError

    def note(self, summary: Summary) -> str:
        """On what it was measured and what follows; why there is none."""
        size = summary["data"].get("test")
        name = self.name.capitalize()
        if self.test(summary) is not None:
            held = f"{f.exact(size)} test samples" if size else "test data"
            held += self._beside(summary)
            return f"{name} is on {held} that took no part in any choice.{self.interval(summary)}"
        why = "the test data have no labels" if size else "there were no test data"
        note = f"{name} on test data is unknown: {why}."
        watched = self.watched(summary)
        if watched is not None:
            note += (
                f" On the calibration data it went from {self.form(watched[0])} to "
                f"{self.form(watched[1])} ({self._difference(*watched)}), but those data also took "
                f"part in the choices, so this may flatter."
            )
        return note

    def missing(self, summary: Summary) -> str:
        """Why there is none on test data, in a few words."""
        return "no test labels" if summary["data"].get("test") else "no test data"

    def _beside(self, summary: Summary) -> str:
        return ""

    def _difference(self, before: float, after: float) -> str:
        return self.change(before, after)


class Accuracy(Quality):
    """The share of samples that are classified as their labels say."""

    name = "accuracy"
    unseen = (
        "Without labelled test data there is nothing to say about how well the smaller network "
        "decides on data it has not seen."
    )

    def form(self, value: Any) -> str:
        return f.percent(value, 2)

    def label(self, value: Any) -> str:
        return f.percent(value)

    def scale(self, known: list[float], top: float, bottom: float) -> Scale:
        return roomy(known, top, bottom, least=0.01)

    def ticks(self, values: list[float]) -> list[str]:
        digits = digits_for([100 * value for value in values])
        return [f.percent(value, digits) for value in values]

    def outcome(self, summary: Summary, joint: str) -> str:
        found = self.test(summary)
        if found is None:
            return ". What that cost in accuracy was not measured."
        if abs(found[1] - found[0]) < 5e-5:
            return " and kept its accuracy."
        difference = f.points(*sorted(found))[1:]
        if found[1] > found[0]:
            return f" and gained {difference} points of accuracy."
        return f" {joint} {difference} points of accuracy."

    def change(self, before: float, after: float) -> str:
        return f.points(before, after)

    def _difference(self, before: float, after: float) -> str:
        return f"{f.points(before, after)} points"

    def interval(self, summary: Summary) -> str:
        found = summary.get("accuracy_change") or {}
        low, high = f.finite(found.get("low")), f.finite(found.get("high"))
        if low is None or high is None:
            return ""
        lost = f.plural(int(found["lost"]), "sample")
        return (
            f" The change lies between {f.points(0.0, low)} and {f.points(0.0, high)} points (95 % "
            f"interval): {lost} went wrong that had been right, and {int(found['gained']):,} the "
            f"other way."
        )

    def trust(self, summary: Summary) -> str:
        found, size = self.test(summary), f.finite(summary["data"].get("test"))
        if found is None or not size:
            return ""
        low, high = wilson(found[1], size)
        return (
            f"With {f.exact(size)} test samples, an accuracy of {f.percent(found[1], 2)} by itself "
            f"is known to within {f.percent(low)}–{f.percent(high)} (95% interval, Wilson). A "
            f"smaller change may be chance."
        )


class Perplexity(Quality):
    """How many words a language model wavers between at each token; the lower, the better."""

    name = "perplexity"
    unseen = (
        "Without test data there is nothing to say about how well the smaller network predicts "
        "text it has not seen."
    )

    def form(self, value: Any) -> str:
        return f.perplexity(value)

    def scale(self, known: list[float], top: float, bottom: float) -> Scale:
        low, high = min(known), max(known)
        if high <= WIDE * low:
            return roomy(known, top, bottom, least=0.05 * low, lowest=1.0, highest=math.inf)
        room = (high / low) ** 0.12
        return LogScale(max(1.0, low / room), min(high * room, MOST), bottom, top)

    def ticks(self, values: list[float]) -> list[str]:
        if values and values[-1] >= 1e5:
            return [f.perplexity(value) for value in values]
        digits = digits_for(values)
        return [f"{value:,.{digits}f}" for value in values]

    def outcome(self, summary: Summary, joint: str) -> str:
        found = self.test(summary)
        if found is None:
            return ". What that cost in perplexity was not measured."
        old, new = self.form(found[0]), self.form(found[1])
        if old == new:
            return " and kept its perplexity."
        way = "rose" if found[1] > found[0] else "fell"
        return f", and its perplexity {way} from {old} to {new}."

    def change(self, before: float, after: float) -> str:
        return f.growth(before, after)

    def interval(self, summary: Summary) -> str:
        found, change = self.test(summary), summary.get("perplexity_change") or {}
        low, high = f.finite(change.get("low")), f.finite(change.get("high"))
        if found is None or low is None or high is None:
            return ""
        return (
            f" It is {f.perplexity(found[1] / found[0])} times what it was (95 % interval "
            f"{f.perplexity(low)} to {f.perplexity(high)}, both networks on the same samples)."
        )

    def trust(self, summary: Summary) -> str:
        if self.test(summary) is None:
            return ""
        words = (
            "Perplexity is the exponential of the mean loss of a token, and says nothing by "
            "itself: other text, or another way of cutting it into tokens, gives another number."
        )
        if self.interval(summary):
            words += (
                " The interval of its change counts whole samples, as the tokens of one are alike."
            )
        return words

    def _beside(self, summary: Summary) -> str:
        tokens = f.finite((summary.get("perplexity_change") or {}).get("tokens"))
        return f" ({f.exact(tokens)} tokens)" if tokens else ""


ACCURACY = Accuracy()
PERPLEXITY = Perplexity()


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
