"""compare: two models that answer the same task, side by side on one page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanfair.comparison.opening import Model, open_pair
from leanfair.comparison.pair import Pair
from leanfair.comparison.quality import quality_of
from leanfair.comparison.result import WRITTEN, Comparison, ComparisonEvent
from leanfair.comparison.schema.summary import DataEntry
from leanfair.comparison.sides.fitting import first_of
from leanfair.comparison.summary import summary_of
from leanfair.comparison.whom.people import check_people, people_of
from leanfair.comparison.whom.whom import whom_of
from leanfair.data.batches import Source
from leanfair.data.text import as_tokens
from leanfair.evaluation.problem_type import ProblemType
from leanfair.fairness.lexicon.protected import Attributes
from leanfair.files.own_folder import check_own, claim
from leanfair.pruning.run.record import size_of
from leanfair.pruning.run.sources import notes_of, readable

Listener = Callable[[ComparisonEvent], None]


def compare(
    base: Model,
    pruned: Model | None = None,
    *,
    test: Source | None = None,
    out: str | Path | None = None,
    tokenizer: Any = None,
    problem_type: ProblemType | None = None,
    # ROBUST, COST, WHOM: the options of each section
    people: Any = None,
    attribute: Attributes | None = None,
    prompt: str | os.PathLike[str] | None = None,
    options: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    favourable: str | None = None,
    group: str | Sequence[str] | None = None,
    label: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    on_event: Listener | None = None,
) -> Comparison:
    """Put `pruned` beside `base`, the model that it was made of: what was lost, what was won.

    Each is a run directory, a folder of transformers, a .gguf file, a file of weights, a hub id, a
    finished run or a module. `test`: data that neither was made with, as `prune` takes them; a text
    or a list of texts for language models. `out`: a directory for summary.json and report.html.
    `tokenizer`: that of both models, by default their own. `problem_type`: what the outputs mean,
    by default as the model and the data tell.

    `people`: a table of people whom two language models decide about, a data frame, records or a
    path: `prompt` and `options` are those of a `leanfair.Judge`; `attribute` (what must not count),
    `favourable`, `group` and `label` those of `leanfair.audit`. Or all of it as a
    `leanfair.comparison.People`, which has more settings.

    `seed` determines all that is drawn. `batch_size`:
    samples of one forward pass. `on_event` is told how far it is.

    Raises InputError, in one sentence, where the two do not answer the same task or the data do not
    fit them.
    """
    started = time.monotonic()
    tell = on_event or _silent
    # 1. Nothing begins where there is no place for the result.
    if out is not None:
        check_own(Path(out), "compare", WRITTEN)
    asked = people_of(
        people, attribute=attribute, prompt=prompt, options=options, favourable=favourable,
        group=group, label=label,
    )  # fmt: skip
    # 2. Open both, and see that they answer the same task on the same data.
    tell(ComparisonEvent("open"))
    held = None if test is None else readable(as_tokens(test, tokenizer))
    pair = open_pair(base, pruned, test=held, tokenizer=tokenizer, problem_type=problem_type)
    if asked is not None:
        check_people(pair, asked)
    missing: dict[str, str] = {}
    # 3. Quality: how well each answers, and how much they agree.
    tell(ComparisonEvent("quality"))
    quality = None
    if held is None:
        missing["quality"] = "No test data were given."
    else:
        quality = quality_of(pair, held, batch_size=batch_size or 256)
    # 4. Robustness (ROBUST).
    # 5. Cost (COST).
    # 6. Energy (COST).
    # 7. Whom: what both decide about people, group by group.
    whom = None
    if asked is not None:
        if out is not None:
            claim(Path(out), "compare", WRITTEN)
        whom = whom_of(
            pair, asked, out=None if out is None else Path(out), seed=seed,
            tell=lambda done: tell(ComparisonEvent("whom", done)),
        )  # fmt: skip
    # 8. The summary and the page.
    summary = summary_of(
        pair,
        data=None if held is None else data_of(pair, held),
        seed=seed,
        seconds=time.monotonic() - started,
        notes=[*pair.parent.notes, *pair.child.notes, *notes_of(held)],
        missing=missing,
        quality_entry=quality,
        whom_entry=whom,
    )
    result = Comparison(summary, None if out is None else Path(out))
    if out is not None:
        result.write()
    return result


def data_of(pair: Pair, test: Source) -> DataEntry:
    """What there is to say of the test data."""
    return {
        "samples": size_of(test),
        "labelled": first_of(test, 1).labels is not None,
        "classes": list(pair.classes),
    }


def _silent(event: ComparisonEvent) -> None:
    """Nobody listens."""
