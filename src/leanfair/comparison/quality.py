"""How well two models answer, side by side."""

from __future__ import annotations

from leanfair.comparison.headline import Said
from leanfair.comparison.pair import Pair, seen_by
from leanfair.comparison.schema.quality import Accuracy, Quality
from leanfair.data.batches import Source
from leanfair.evaluation import answers
from leanfair.html import formats as f
from leanfair.statistics import mcnemar


def quality_of(pair: Pair, test: Source, *, batch_size: int = 256) -> Quality:
    """How well both models of `pair` answer on `test`."""
    return {"accuracy": _accuracy(pair, test, batch_size)}


def _accuracy(pair: Pair, test: Source, batch_size: int) -> Accuracy | None:
    if pair.problem is None or not pair.problem.classifies:
        return None
    before, after = (
        answers.answers(side.model, seen_by(side, test), pair.problem, batch_size)
        for side in pair.sides
    )
    change = answers.change(before, after)
    single = bool((before.asked == 1).all())
    return {
        "overall": {
            "parent": change.before,
            "child": change.after,
            "value": change.after - change.before,
            "low": change.low,
            "high": change.high,
        },
        "samples": change.samples,
        "lost": change.lost,
        "gained": change.gained,
        "p_value": mcnemar(change.lost, change.gained) if single else None,
    }


def said_of(quality: Quality | None) -> Said:
    """What quality adds to the headline."""
    found = None if quality is None else quality["accuracy"]
    if found is None:
        return Said(unknown=("accuracy",))
    overall = found["overall"]
    low, high = overall["low"], overall["high"]
    if low is None or high is None:
        return Said(unknown=("accuracy",))
    size = f.percent(abs(overall["value"]), 2).removesuffix("%")
    if high < 0:
        return Said(lost=(f"lost {size} points of accuracy",))
    if low > 0:
        return Said(won=(f"gained {size} points of accuracy",))
    span = f"{f.points(0, low)} to {f.points(0, high)} points"
    return Said(unknown=(f"whether its accuracy changed ({span})",))
