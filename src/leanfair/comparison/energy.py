"""What energy two models take, side by side: to infer, to be fine-tuned, and what it took to make
one of the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import torch

from leanfair.comparison.cost import many_of, samples_of
from leanfair.comparison.headline import Said
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.schema.energy import Amount, BreakEven, Energy, Ratio, Work
from leanfair.comparison.sides.making import making_of
from leanfair.data.batches import Batch, Source, forward
from leanfair.data.language import token_ids
from leanfair.errors import LeanfairError, first_line
from leanfair.evaluation.energy.clock import Meter, Metering
from leanfair.evaluation.energy.grid import WORLD, Grid, grid_of
from leanfair.evaluation.energy.meter import metering
from leanfair.evaluation.energy.payback import payback_of
from leanfair.evaluation.energy.turns import Block, Interval, in_turn, kwh_each, ratio_of, used
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.speed import ready
from leanfair.html import formats as f
from leanfair.pruning.presets import recipe_for
from leanfair.pruning.training.fine_tune import fine_tune
from leanfair.pruning.training.recipe import Recipe

MILLION = 1_000_000
STEPS = 2
"""Steps of a stretch of fine-tuning, so that beginning it weighs little. Of texts one is long."""
TEXTS = 2
"""Texts of a step."""


def energy_of(
    pair: Pair,
    test: Source,
    *,
    region: str = WORLD,
    grid_intensity: float | None = None,
    seconds: float = 20.0,
    batch_size: int | None = None,
    seed: int = 0,
    meters: Metering = metering,
) -> Energy:
    """What energy both models of `pair` take for samples of `test`, and its carbon on the grid of
    `region`. Inference and fine-tuning are each measured for about `seconds`.

    Raises InputError for a region that is not known, and for no time.
    """
    grid = grid_of(region, grid_intensity)
    sample, _ = samples_of(pair, test)
    many = batch_size or many_of(pair)
    ids = token_ids(sample) if pair.is_language else None
    with meters() as meter:
        blocks = _inferred(pair, sample, many, meter, seconds)
        trained, untrained = _trained(pair, sample, meter, seconds, seed)
    watts = _watts(trained["child"] if trained else blocks["child"])
    pruning = making_of(pair, grid, watts)
    # The size of an epoch is the run's; of a child that is no run it is a round number.
    epoch = pruning.train if pruning is not None and pruning.train else 1000
    spent = None if pruning is None else pruning.entry["total"]["kwh"]
    return {
        "grid": grid.to_json(),
        "tokens": None if ids is None else int(ids.shape[1]),
        "inference": _work(blocks, MILLION, many, grid),
        "fine_tuning": None
        if trained is None
        else _work(trained, epoch, _recipe(pair).batch_size, grid),
        "untrained": untrained,
        "pruning": None if pruning is None else pruning.entry,
        "break_even": _break_even(spent, blocks),
    }


# ---- work, done in turn -------------------------------------------------------------------------


def _inferred(
    pair: Pair, sample: Batch, many: int, meter: Meter, seconds: float
) -> dict[str, list[Block]]:
    """Blocks of forward passes of `many` samples."""
    works = {
        "parent": _inferring(pair.parent, sample, many),
        "child": _inferring(pair.child, sample, many),
    }
    with evaluating(pair.parent.model), evaluating(pair.child.model), torch.no_grad():
        return in_turn(works, meter, seconds)


def _inferring(side: Side, sample: Batch, many: int) -> Callable[[], int]:
    inputs = ready(sample, side.model, many)

    def work() -> int:
        forward(side.model, inputs)
        return many

    return work


def _trained(
    pair: Pair, sample: Batch, meter: Meter, seconds: float, seed: int
) -> tuple[dict[str, list[Block]] | None, str | None]:
    """Blocks of fine-tuning copies of both models as leanfair does by default; or None, and why
    they cannot be trained."""
    if sample.labels is None and not pair.is_language:
        return None, "Fine-tuning was not measured: the test data have no labels to train with."
    try:
        works = {
            "parent": _training(pair, pair.parent, sample, seed),
            "child": _training(pair, pair.child, sample, seed),
        }
        return in_turn(works, meter, seconds), None
    except LeanfairError as error:
        return None, f"Fine-tuning was not measured: {first_line(error)}."


def _training(pair: Pair, side: Side, sample: Batch, seed: int) -> Callable[[], int]:
    model = copy.deepcopy(side.model).requires_grad_(True)
    recipe = _recipe(pair)
    rows = torch.arange(recipe.batch_size) % min(len(sample), recipe.batch_size)
    labels = None if sample.labels is None else sample.labels[rows.to(sample.labels.device)]
    batch = Batch(sample.mapped(lambda value: value[rows.to(value.device)]).inputs, labels)
    number, steps = count(seed), 1 if pair.is_language else STEPS

    def work() -> int:
        return fine_tune(
            model, [batch] * steps, images=steps * len(batch), recipe=recipe, seed=next(number),
            problem=pair.problem,
        ).images  # fmt: skip

    return work


def _recipe(pair: Pair) -> Recipe:
    """How leanfair fine-tunes such models by default, from labels or the text alone."""
    recipe = replace(recipe_for(pair.parent.model), distill=0.0)
    return replace(recipe, batch_size=TEXTS) if pair.is_language else recipe


# ---- what came of it ----------------------------------------------------------------------------


def _work(blocks: dict[str, list[Block]], samples: int, batch_size: int, grid: Grid) -> Work:
    parent, child = blocks["parent"], blocks["child"]
    whole = used([*parent, *child])
    before, after = kwh_each(parent), kwh_each(child)
    known = before is not None and after is not None
    slower = ratio_of([each.seconds for each in parent], [each.seconds for each in child])
    assert slower is not None  # time passes
    return {
        "samples": samples,
        "measured": min(sum(each.samples for each in side) for side in (parent, child)),
        "seconds": whole.seconds,
        "batch_size": batch_size,
        "rounds": len(parent),
        "kind": whole.kind if known else "unknown",
        "basis": whole.basis,
        "parent": _amount(parent, samples, grid),
        "child": _amount(child, samples, grid),
        "energy_ratio": _ratio(ratio_of(before, after)) if before and after else None,
        "time_ratio": _told(slower),
    }


def _amount(blocks: list[Block], samples: int, grid: Grid) -> Amount:
    each = kwh_each(blocks)
    kwh = None if each is None else samples * sum(each) / len(each)
    seconds = samples * sum(block.seconds for block in blocks) / len(blocks)
    own, done = used(blocks).processor, sum(block.samples for block in blocks)
    processor = None if own is None else samples * own / done
    return {"kwh": kwh, "processor": processor, "grams": grid.grams(kwh), "seconds": seconds}


def _ratio(found: Interval | None) -> Ratio | None:
    return None if found is None else _told(found)


def _told(found: Interval) -> Ratio:
    return {"value": found.value, "low": found.low, "high": found.high}


def _watts(blocks: list[Block]) -> float | None:
    """The power that work took, in kilowatt-hours for a second."""
    whole = used(blocks)
    return whole.kwh / whole.seconds if whole.kwh is not None and whole.seconds > 0 else None


def _break_even(spent: float | None, blocks: dict[str, list[Block]]) -> BreakEven | None:
    before, after = kwh_each(blocks["parent"]), kwh_each(blocks["child"])
    if spent is None or before is None or after is None:
        return None
    found = payback_of(spent, before, after)
    return {
        "samples": found.samples,
        "low": found.low,
        "high": found.high,
        "saved": MILLION * found.saved.value,
    }


def said_of(energy: Energy | None) -> Said:
    """What energy adds to the headline."""
    if energy is None:
        return Said()
    work = energy["inference"]
    ratio = work["energy_ratio"]
    if ratio is None:
        return Said(unknown=("the energy that it takes",))
    how = " (an estimate)" if work["kind"] == "estimated" else ""
    low, high = ratio["low"], ratio["high"]
    if low is None or high is None or low <= 1 <= high:
        return Said(unknown=("whether it takes less energy to infer",))
    size = f.percent(abs(1 - ratio["value"]), 0)
    if high < 1:
        return Said(won=(f"takes {size} less energy to infer{how}",))
    return Said(lost=(f"takes {size} more energy to infer{how}",))
