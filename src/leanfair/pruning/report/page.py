"""The report of a pruning run: the content of summary.json as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from leanfair.errors import InputError
from leanfair.files import write_text
from leanfair.html import formats
from leanfair.html.formats import moment
from leanfair.html.page import environment, twice
from leanfair.pruning.report import energy, measures, story, tables
from leanfair.pruning.report.architecture import Stage, Width, removed_in, stages
from leanfair.pruning.report.blocks import blocks_chart
from leanfair.pruning.report.charts import Journey, rounds_chart
from leanfair.pruning.report.comparison import ComparisonEntry, read_comparison
from leanfair.pruning.report.measures import quality_of
from leanfair.pruning.report.quality import note
from leanfair.pruning.schema import StepEntry, Summary

PLURALS = {
    "accuracy": "accuracies",
    "perplexity": "perplexities",
    "error": "errors",
    "similarity": "similarities",
}


def write_report(summary: Summary, target: Path) -> Path:
    """Write the page about `summary` (the content of summary.json) to `target`, in one piece.

    Raises RunDirectoryError where it cannot be written.
    """
    return write_text(Path(target), render(summary, read_comparison(Path(target).parent)))


def render(summary: Summary, comparison: ComparisonEntry | None = None) -> str:
    """The page about `summary`: HTML that needs no network and no scripts; `comparison` is what one
    found of this run, which the page links to. Keys that an older
    version did not write yet count as unknown. Raises InputError for one that has to be there."""
    summary = filled(summary)
    journey = tables.journey(summary)
    found = stages(summary["architecture"], removed_in(summary["steps"]))
    costs = tables.cost_rows(summary)
    quality = quality_of(summary)
    nouns = {width.noun for s in found for block in s.blocks for width in block.widths} - {""}
    return environment(__package__).get_template("prune.html.j2").render(
        summary=summary,
        comparison=comparison,
        headline=story.headline(summary),
        met=story.met(summary),
        verdict=story.verdict(summary),
        quality=quality.name,
        note=note(quality, summary),
        problem=measures.problem(summary),
        classes=measures.classes(summary),
        class_rows=measures.class_rows(summary),
        more_classes=_beyond(summary["classes"]),
        plural=PLURALS[quality.name],
        tiles=story.tiles(summary),
        choices=story.choices(summary),
        cost=story.cost(summary),
        energy=energy.energy(summary),
        trust=quality.trust(summary) or quality.unseen,
        moment=moment(summary["created"]),
        journey=journey,
        polished=_polished(summary, journey),
        rounds=tables.round_rows(summary),
        competed={kind for each in journey.rounds for kind, _ in each.similarities},
        exhausted=any(None in (each.layer, each.neurons) for each in journey.rounds),
        own_cost=summary["settings"]["of"] in ("latency", "memory"),
        rounds_charts=twice(rounds_chart, journey, "rounds") if journey.rounds else [],
        stages=found,
        shape=_shape(found),
        became=_became(found),
        blocks_charts=twice(blocks_chart, found, "blocks"),
        costs=costs,
        timed=any(row.before_note for row in costs),
        channels_last=formats.channels_last({**summary.get("layout", {})}),
        heads=bool(nouns),
        grouped="key-value heads" in nouns,
        threads=formats.plural(summary["machine"]["threads"], "thread"),
        facts=tables.facts(summary),
    )  # fmt: skip


def filled(summary: Summary) -> Summary:
    """`summary` with None for what may be unknown and is missing, as in a run that an older version
    finished. Raises InputError where what has to be known is missing."""
    steps = [_filled(step, StepEntry, "A step of the summary") for step in summary["steps"]]
    known = _filled({**summary, "steps": steps}, Summary, "The summary")
    return cast(Summary, known)


def _filled(found: Mapping[str, Any], kind: Any, what: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    missing = [name for name in hints if name not in found]
    for name in missing:
        if type(None) not in get_args(hints[name]):
            raise InputError(f"{what} lacks {name!r}: it is not that of a finished run.")
    return {**found, **dict.fromkeys(missing)}


def _beyond(classes: Sequence[Any] | None) -> int:
    """How many classes there are, where those are more than the table shows."""
    count = len(classes or ())
    return count if count > measures.MOST_CLASSES else 0


def _polished(summary: Summary, journey: Journey) -> bool:
    """Whether fine-tuning after the last round changed the quality."""
    last = journey.rounds[-1].quality if journey.rounds else None
    return last is not None and journey.calibration is not None and journey.calibration[1] != last


def _became(found: Sequence[Stage]) -> set[str]:
    """What happened to blocks, for the legend; "whole" where the network has no blocks."""
    blocks = [block for stage in found for block in stage.blocks]
    kept = [width for block in blocks if not block.removed for width in block.widths]
    return {
        *(["removed"] if any(block.removed for block in blocks) else []),
        *(["unknown"] if any(width.after is None for width in kept) else []),
        *(["narrowed"] if any(w.after not in (None, w.before) for w in kept) else []),
        *(["whole"] if len(blocks) == 1 and not blocks[0].name else []),
    }


def _widths(found: Sequence[Stage]) -> list[Width]:
    """The widths inside of the blocks that are left, as far as they are known."""
    blocks = [block for stage in found for block in stage.blocks if not block.removed]
    return [width for block in blocks for width in block.widths if width.after is not None]


def _shape(found: Sequence[Stage]) -> str:
    """How many blocks are left and how wide they are inside, in a sentence."""
    blocks = [block for stage in found for block in stage.blocks]
    kept = [block for block in blocks if not block.removed]
    known = _widths(found)
    left = _left(known)
    missing = any(width.after is None for block in kept for width in block.widths)
    caveat = ", as far as their widths are known" if missing else ""
    if "whole" in _became(found):
        return f"It has no blocks that could go whole; {formats.percent(left)} of its neurons left."
    words = f"{len(kept)} of {formats.plural(len(blocks), 'block')} left"
    if left is None:
        return f"{words}."
    if all(width.after == width.before for width in known):
        return f"{words}, as wide inside as before{caveat}."
    nouns = dict.fromkeys(width.noun for width in known)
    shares = [
        f"{_share([w for w in known if w.noun == noun])} of their {noun or 'neurons'}"
        for noun in nouns
    ]
    return f"{words}, with {' and '.join(shares)}{caveat}."


def _share(widths: Sequence[Width]) -> str:
    """How much is left of all `widths` together, in words."""
    whole = all(width.after == width.before for width in widths)
    return "all" if whole else formats.percent(_left(widths))


def _left(widths: Sequence[Width]) -> float | None:
    """The share that is left of all `widths` together."""
    before = sum(width.before for width in widths)
    return sum(width.after or 0 for width in widths) / before if before else None
