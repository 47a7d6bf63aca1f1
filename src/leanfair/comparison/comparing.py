"""compare: two models that answer the same task, side by side on one page."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leanfair.comparison.cost import cost_of, in_faster_layouts
from leanfair.comparison.energy import energy_of
from leanfair.comparison.opening import Model, open_pair
from leanfair.comparison.quality import quality_of
from leanfair.comparison.result import WRITTEN, Comparison, ComparisonEvent
from leanfair.comparison.robustness.robustness import robustness_of, without_nothing
from leanfair.comparison.sides.run import place_for, tell_run
from leanfair.comparison.summary import data_of, notes_about, summary_of
from leanfair.comparison.whom.classes import check_groups, classes_section
from leanfair.comparison.whom.grouped import Given
from leanfair.comparison.whom.people import check_people, people_of
from leanfair.comparison.whom.whom import whom_of
from leanfair.data.batches import Source
from leanfair.errors import InputError, UnsupportedModelError
from leanfair.evaluation.energy.grid import WORLD, grid_of
from leanfair.evaluation.problem_type import ProblemType
from leanfair.evaluation.robustness.adversarial import Attacks
from leanfair.evaluation.robustness.under_corruptions import Corruptions
from leanfair.fairness.lexicon.protected import Attributes
from leanfair.files.own_folder import check_own, claim

SECONDS = 10.0
"""About how long each timing, and each measurement of energy, takes by default."""

Listener = Callable[[ComparisonEvent], None]


def compare(
    base: Model,
    pruned: Model | None = None,
    *,
    test: Source | None = None,
    out: str | Path | None = None,
    tokenizer: Any = None,
    problem_type: ProblemType | None = None,
    attacks: Attacks | bool | None = None,
    corruptions: Corruptions | bool | None = None,
    extra: Mapping[str, Source] | None = None,
    people: Any = None,
    attribute: Attributes | None = None,
    prompt: str | os.PathLike[str] | None = None,
    options: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    favourable: str | None = None,
    group: str | Sequence[str] | None = None,
    label: str | None = None,
    region: str = WORLD,
    grid_intensity: float | None = None,
    seconds: float | None = None,
    groups: Given | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    on_event: Listener | None = None,
) -> Comparison:
    """Put `pruned` beside `base`, the model that it was made of: what was lost, what was won.
    Without `pruned`, `base` is a pruning run, whose first and last network are compared.

    Each is a run directory, a folder of transformers, a .gguf file, a file of weights, a hub id, a
    finished run or a module. `test`: data that neither was made with, as `prune` takes them; a text
    or a list of texts for language models. `out`: a directory for summary.json and report.html; for
    a run alone it is `comparison/` inside of the run by default. The page of a run whose two
    networks were compared links there. `tokenizer`: that of both models, by default their own.
    `problem_type`: what the outputs mean, by default as the model and the data tell.

    `attacks`, `corruptions`: how images are changed, a `leanfair.evaluation.robustness.Attacks` and
    `Corruptions`; by default as those say, where it is possible; True where it must be, False for
    none. `extra`: other test sets, by name.

    `people`: a table of people whom two language models decide about, a data frame, records or a
    path: `prompt` and `options` are those of a `leanfair.Judge`; `attribute` (what must not count),
    `favourable`, `group` and `label` those of `leanfair.audit`. Or all of it as a
    `leanfair.comparison.People`, which has more settings. `groups`: of a classifier, the groups of
    the test data: a column of a table, one value a sample, a dict of such, or a function of a
    batch; `favourable` is then one of two classes.

    `region`: WORLD or the ISO code of a country, whose grid's carbon is reckoned with, or
    `grid_intensity` in grams of CO2 for a kilowatt-hour. `seconds`: about how long each timing, and
    each measurement of energy, takes (10 by default; 0 leaves cost and energy out). `seed`
    determines all that is drawn. `batch_size`: samples of one forward pass. `on_event` is told how
    far it is.

    Raises InputError, in one sentence, where the two do not answer the same task or the data do not
    fit them.
    """
    started = time.monotonic()
    tell = on_event or _silent
    # 1. Nothing begins where there is no place for the result.
    place = place_for(base, pruned, out)
    if place is not None:
        check_own(place, "compare", WRITTEN)
    asked = people_of(
        people, attribute=attribute, prompt=prompt, options=options,
        favourable=favourable if groups is None or people is not None else None,
        group=group, label=label,
    )  # fmt: skip
    grid_of(region, grid_intensity)
    seconds = SECONDS if seconds is None else checked_seconds(seconds)
    if test is None and (attacks or corruptions or extra):
        raise InputError("Attacks, corruptions and extra test sets need test data beside them.")
    # 2. Open both, and see that they answer the same task on the same data.
    tell(ComparisonEvent("open"))
    pair = open_pair(base, pruned, test=test, tokenizer=tokenizer, problem_type=problem_type)
    held = pair.test
    if asked is not None:
        check_people(pair, asked)
    if groups is not None:
        check_groups(pair, held)
    missing: dict[str, str] = {}
    # 3. Quality: how well each answers, and how much they agree.
    tell(ComparisonEvent("quality"))
    quality = None
    if held is None:
        missing["quality"] = "No test data were given."
    else:
        quality = quality_of(pair, held, seed=seed, batch_size=batch_size)
    # 4. Robustness: how well each answers when images are changed, on purpose and by chance.
    robustness = None
    if held is not None and not (attacks is False and corruptions is False and not extra):
        robustness = robustness_of(
            pair, held, attacks=attacks, corruptions=corruptions, extra=extra, seed=seed,
            batch_size=batch_size or 128,
            tell=lambda done, words: tell(ComparisonEvent("robustness", done, words)),
        )  # fmt: skip
        robustness, missing = without_nothing(robustness, missing)
    # 5. Cost: what is counted, weighed and timed.
    # 6. Energy: of inference, of fine-tuning, of the pruning itself.
    cost = energy = None
    if held is None:
        missing["cost"] = missing["energy"] = "No test data were given."
    elif seconds:
        tell(ComparisonEvent("cost"))
        with in_faster_layouts(pair, held, batch_size) as layout:
            with told_as_missing(missing, "cost"):
                cost = cost_of(pair, held, batch_size=batch_size, seconds=seconds)
                cost["layout"] = layout
            tell(ComparisonEvent("energy"))
            with told_as_missing(missing, "energy"):
                energy = energy_of(
                    pair, held, region=region, grid_intensity=grid_intensity, seconds=seconds,
                    batch_size=batch_size, seed=seed,
                )  # fmt: skip
    # 7. Whom: what both decide about people, group by group.
    whom = None
    if asked is not None:
        if place is not None:
            claim(place, "compare", WRITTEN)
        whom = whom_of(
            pair, asked, out=place, seed=seed,
            tell=lambda done: tell(ComparisonEvent("whom", done)),
        )  # fmt: skip
    elif groups is not None and held is not None:
        tell(ComparisonEvent("whom"))
        whom = classes_section(
            pair, held, groups, favourable=favourable, seed=seed, batch_size=batch_size
        )
    # 8. The summary and the page.
    summary = summary_of(
        pair,
        data=None if held is None else data_of(pair, held),
        seed=seed,
        seconds=time.monotonic() - started,
        notes=notes_about(pair, held),
        missing=missing,
        quality_entry=quality,
        robustness_entry=robustness,
        whom_entry=whom,
        cost_entry=cost,
        energy_entry=energy,
    )
    result = Comparison(summary, place)
    if place is not None:
        result.write()
        tell_run(pair.run, result)
    return result


def checked_seconds(seconds: float) -> float:
    """`seconds`, where they are a time to measure for, or none."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(
            f"seconds is how long each measurement takes, 0 or more, but is {seconds}."
        )
    return seconds


@contextmanager
def told_as_missing(missing: dict[str, str], section: str) -> Iterator[None]:
    """What a model cannot be measured by is told, and leaves the other sections as they are."""
    try:
        yield
    except UnsupportedModelError as error:
        missing[section] = str(error)


def _silent(event: ComparisonEvent) -> None:
    """Nobody listens."""
