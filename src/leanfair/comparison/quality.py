"""How well two models answer, side by side: measured by what their answers are."""

from __future__ import annotations

from leanfair.comparison.headline import Said
from leanfair.comparison.measures import classifiers, examples, language
from leanfair.comparison.measures.numbers import difference
from leanfair.comparison.pair import Pair, seen_by
from leanfair.comparison.schema.quality import Difference, Growth, Quality
from leanfair.comparison.sides.fitting import first_of
from leanfair.data.batches import Source
from leanfair.evaluation import answers, numbers
from leanfair.evaluation.outputs.collected import Outputs, outputs_of
from leanfair.evaluation.outputs.tokens import token_sums
from leanfair.evaluation.problem import Problem
from leanfair.html import formats as f
from leanfair.statistics import Interval

NOTHING: Quality = {
    "accuracy": None,
    "calibration": None,
    "examples": None,
    "perplexity": None,
    "error": None,
    "similarity": None,
    "agreement": None,
}


def quality_of(
    pair: Pair, test: Source, *, seed: int = 0, batch_size: int | None = None
) -> Quality:
    """How well both models of `pair` answer on `test`. Without labels only how far they agree is
    told. `seed` determines bootstrap draws, and which samples are shown."""
    if pair.problem is None:
        parent, child = (side.model for side in pair.sides)
        sums = token_sums(parent, child, test, batch_size or 8)
        return {
            **NOTHING,
            "perplexity": language.perplexity_of(sums),
            "agreement": language.agreement_of(sums),
        }
    size = batch_size or 256
    if pair.problem.type == "feature_extraction":
        return _representations(pair, test, size)
    if answers_at_places(pair, test):
        return _maps(pair, pair.problem, test, size)
    parent_out, child_out = (
        outputs_of(side.model, seen_by(side, test), size) for side in pair.sides
    )
    if pair.problem.type == "regression":
        return _numbers(pair.problem, parent_out, child_out)
    return _classes(pair, pair.problem, test, parent_out, child_out, seed)


def answers_at_places(pair: Pair, test: Source) -> bool:
    """Whether each token or pixel is classified: samples may differ in how many these are."""
    if pair.problem is None or not pair.problem.classifies:
        return False
    return outputs_of(pair.parent.model, [first_of(test)[:1]]).logits.ndim > 2


def _maps(pair: Pair, problem: Problem, test: Source, size: int) -> Quality:
    if first_of(test).labels is None:
        return NOTHING
    before, after = (
        answers.answers(side.model, seen_by(side, test), problem, size) for side in pair.sides
    )
    return {**NOTHING, "accuracy": classifiers.accuracy_of(before, after, pair.classes, None, 0)}


def _classes(
    pair: Pair, problem: Problem, test: Source, parent: Outputs, child: Outputs, seed: int
) -> Quality:
    found: Quality = {
        **NOTHING,
        "agreement": classifiers.agreement_entry(parent.logits, child.logits, problem),
    }
    if parent.labels is None:
        return found
    before, after = (
        answers.answers_of(each.logits, parent.labels, problem) for each in (parent, child)
    )
    labels = classifiers.class_labels(parent.logits, parent.labels, problem)
    found["accuracy"] = classifiers.accuracy_of(before, after, pair.classes, labels, seed)
    if labels is not None:
        mine, its = (classifiers.as_classes(each.logits, problem) for each in (parent, child))
        found["calibration"] = classifiers.calibration_entry(mine, its, labels, seed)
        found["examples"] = examples.examples_of(
            pair,
            test,
            (before.right > 0, after.right > 0),
            labels,
            examples.guesses_of([mine, its]),
            seed,
        )
    return found


def _numbers(problem: Problem, parent: Outputs, child: Outputs) -> Quality:
    if parent.labels is None:
        return NOTHING
    before, after = (
        numbers.squared_errors(each.logits, parent.labels, problem) for each in (parent, child)
    )
    change = numbers.error_change(before, after)
    interval = Interval(change.after - change.before, change.low, change.high)
    return {**NOTHING, "error": difference(change.before, change.after, interval)}


def _representations(pair: Pair, test: Source, size: int) -> Quality:
    before, after = (
        numbers.representations(side.model, seen_by(side, test), size) for side in pair.sides
    )
    change = numbers.similarity_change(before, after)
    return {
        **NOTHING,
        "similarity": {
            "cosine": change.after,
            "rank_correlation": change.rank_correlation,
            "samples": change.samples,
        },
    }


# ---- in the headline ----------------------------------------------------------------------------


def said_of(quality: Quality | None) -> Said:
    """What quality adds to the headline."""
    if quality is None:
        return Said(unknown=("its quality",))
    if quality["accuracy"] is not None:
        return _accuracy(quality["accuracy"]["overall"])
    if quality["perplexity"] is not None:
        return _perplexity(quality["perplexity"]["overall"])
    if quality["error"] is not None:
        return _error(quality["error"])
    if quality["similarity"] is not None:
        cosine = quality["similarity"]["cosine"]
        return Said(won=(f"represents its inputs with a cosine of {cosine:.3f} to its parent",))
    if quality["agreement"] is not None:
        same = f.percent(quality["agreement"]["same"]["value"])
        return Said(
            won=(f"answers as its parent does on {same} of the samples",),
            unknown=("how often either is right, as there are no labels",),
        )
    return Said(unknown=("its quality, as there are no labels",))


def _accuracy(found: Difference) -> Said:
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return Said(unknown=("whether its accuracy changed",))
    size = f.percent(abs(found["value"]), 2).removesuffix("%")
    span = f"{f.points(0, low)} to {f.points(0, high)}"
    if high < 0:
        return Said(lost=(f"lost {size} points of accuracy ({span})",))
    if low > 0:
        return Said(won=(f"gained {size} points of accuracy ({span})",))
    return Said(unknown=(f"whether its accuracy changed ({span} points)",))


def _perplexity(found: Growth) -> Said:
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return Said(unknown=("whether its perplexity changed",))
    both = f"{f.perplexity(found['parent'])} to {f.perplexity(found['child'])}"
    span = f"{f.times(low)} to {f.times(high)}"
    if low > 1:
        return Said(
            lost=(f"is more surprised by the text: its perplexity rose from {both} ({span})",)
        )
    if high < 1:
        return Said(won=(f"foresees the text better: its perplexity fell from {both} ({span})",))
    return Said(unknown=(f"whether its perplexity changed ({span})",))


def _error(found: Difference) -> Said:
    low, high = found["low"], found["high"]
    if low is None or high is None or low <= 0 <= high:
        return Said(unknown=("whether its error changed",))
    both = f"{found['parent']:.4g} to {found['child']:.4g}"
    if low > 0:
        return Said(lost=(f"errs more: its mean squared error rose from {both}",))
    return Said(won=(f"errs less: its mean squared error fell from {both}",))
