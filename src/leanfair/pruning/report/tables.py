"""What a run found, as rows: its rounds, what the network costs, what was run on what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from leanfair.html import formats as f
from leanfair.html.formats import moment
from leanfair.pruning.cut_schema import NeuronCutEntry
from leanfair.pruning.measured_schema import Latency
from leanfair.pruning.report import energy
from leanfair.pruning.report.charts import Journey, Round
from leanfair.pruning.report.measures import quality_of
from leanfair.pruning.report.quality import PERPLEXITY, Quality
from leanfair.pruning.schema import Counts, StepEntry, Summary
from leanfair.pruning.types import COSTS

Counted: TypeAlias = Literal["macs", "params"]

BRIEF = 44
"""A cut in so many letters is shown at once; a longer one on demand."""


@dataclass(frozen=True)
class RoundRow:
    """One line of the table of rounds; every field is ready to be shown."""

    index: int
    chosen: str
    layer: str
    neurons: str
    macs: str
    left: str
    params: str
    cost: str
    quality: str
    seconds: str
    brief: str
    text: str


@dataclass(frozen=True)
class CostRow:
    """One line of the table of costs. `share` is what is left, for a bar, None where it grew; a
    `part` belongs to the line above."""

    label: str
    before: str
    after: str
    change: str
    ratio: str
    share: float | None
    before_note: str = ""
    after_note: str = ""
    note: str = ""
    part: bool = False


def journey(summary: Summary) -> Journey:
    """The rounds as the chart takes them, by parameters where those are the target, else by
    MACs."""
    settings, quality = summary["settings"], quality_of(summary)
    counted: Counted = "params" if settings["of"] == "params" else "macs"
    whole = summary[counted]["before"]
    return Journey(
        tuple(_round(step, counted, whole, quality) for step in summary["steps"]),
        quality.watched(summary),
        quality.test(summary),
        settings["cut"] if settings["of"] == counted else None,
        quality,
        COSTS[counted],
    )


def _round(step: StepEntry, counted: Counted, whole: float, quality: Quality) -> Round:
    layer, neurons = step["cka"]["layer"], step["cka"]["neurons"]
    known = quality.after(step)
    left = step[counted] / whole if whole else 1.0
    what = "a layer" if step["chosen"] == "layer" else "neurons"
    similar = [text.replace(f.DASH, "none") for text in f.similarities(layer, neurons)]
    words = (
        f"Round {step['index']}: {what} removed. CKA layer {similar[0]}, "
        f"neurons {similar[1]}. {COSTS[counted]} left {f.short(step[counted])} ({f.percent(left)})."
    )
    if known is not None:
        words += f" Calibration {quality.name} {quality.form(known)}."
    return Round(step["index"], step["chosen"], layer, neurons, 1.0 - left, known, words)


def round_rows(summary: Summary) -> list[RoundRow]:
    """The table of rounds."""
    return [_round_row(step, summary) for step in summary["steps"]]


def _round_row(step: StepEntry, summary: Summary) -> RoundRow:
    whole, quality = summary["macs"]["before"], quality_of(summary)
    spoken = quality is PERPLEXITY  # a language model's costs take too many digits for a column
    layer, neurons = f.similarities(step["cka"]["layer"], step["cka"]["neurons"])
    return RoundRow(
        index=step["index"],
        chosen=step["chosen"],
        layer=layer,
        neurons=neurons,
        macs=f.short(step["macs"]) if spoken else f.exact(step["macs"]),
        left=f.percent(step["macs"] / whole if whole else None),
        params=f.parameters(step["params"]) if spoken else f.exact(step["params"]),
        cost=_cost(step["cost"], summary["settings"]["of"]),
        quality=quality.form(quality.after(step)),
        seconds=f.duration(step["seconds"]),
        brief=_brief(step),
        text=step["text"],
    )


def _cost(value: float, of: str) -> str:
    """What the target counts, where no other column has it."""
    return {"latency": f.milliseconds, "memory": f.size}.get(of, lambda _: "")(value)


def _brief(step: StepEntry) -> str:
    """A cut in a few words; the whole text where that is short itself."""
    text, cut = step["text"], step["cut"]
    if len(text) <= BRIEF:
        return text
    names = [layer["name"] for layer in cut["layers"]]
    if names:
        return names[0] if len(names) == 1 else f.plural(len(names), "block")
    return _amounts(cut["neurons"])


def _amounts(cuts: Sequence[NeuronCutEntry]) -> str:
    """How many neurons go; of a transformer, how many heads and how many units."""
    heads = sum(len(cut["drop"]) for cut in cuts if cut["group"]["unit"] == "head")
    rest = sum(len(cut["drop"]) for cut in cuts) - heads
    if not heads and not any(cut["group"]["fields"] for cut in cuts):
        return f.plural(rest, "neuron")
    amounts = [f.plural(heads, "head")] if heads else []
    return ", ".join([*amounts, *([f.plural(rest, "unit")] if rest else [])])


def cost_rows(summary: Summary) -> list[CostRow]:
    """The table of costs."""
    tokens = summary["tokens"]
    sample = f"one sample of {tokens:,} tokens" if tokens else "one sample"
    rows = [
        _counted(f"MACs, {sample}", summary["macs"], f.exact),
        *_part("of which attention", summary["attention_macs"], "scores and mixing"),
        _counted("Parameters", summary["params"], f.exact),
        *_part("of which embeddings", summary["embeddings"], "not cut"),
        _counted("File size", summary["bytes"], f.size),
    ]
    latency = summary["latency"]
    if latency is None:
        return rows
    sizes = sorted(latency["before"], key=int)
    return rows + [_timed(size, latency["before"][size], latency["after"][size]) for size in sizes]


def _counted(label: str, found: Counts, form: Callable[[int], str]) -> CostRow:
    before, after = found["before"], found["after"]
    return CostRow(
        label, form(before), form(after), f.change(before, after), f.ratio(before, after),
        _share(before, after),
    )  # fmt: skip


def _part(label: str, found: Counts | None, note: str) -> list[CostRow]:
    """The row of a part of a cost, where there is such a part."""
    return [replace(_counted(label, found, f.exact), note=note, part=True)] if found else []


def _timed(size: str, before: Latency, after: Latency) -> CostRow:
    old, new = before["median"], after["median"]
    overlap = before["low"] <= after["high"] and after["low"] <= before["high"]
    return CostRow(
        label=f"Latency, batch {size}",
        before=f.milliseconds(old),
        after=f.milliseconds(new),
        change=f.change(old, new),
        ratio=f.ratio(old, new),
        share=_share(old, new),
        before_note=_timing(before),
        after_note=_timing(after),
        note="the spreads overlap" if overlap else "",
    )


def _timing(found: Latency) -> str:
    return f"{f.span(found['low'], found['high'])}, {f.plural(found['runs'], 'run')}"


def _share(before: float, after: float) -> float | None:
    return None if not before or after > before else after / before


Facts = list[tuple[str, str]]


def facts(summary: Summary) -> list[tuple[str, Facts]]:
    """What was run, on what, with which seed: groups of names and values."""
    groups = {
        "Run": _run(summary),
        "Model": _flat(_model(summary), exact={"macs", "params", "filters"}),
        "Data": _flat(_data(summary), exact={"train", "calibration", "test"}),
        "Machine": _flat(summary["machine"]),
        "Settings": _flat(summary["settings"], none="not set"),
    }
    return [(name, rows) for name, rows in groups.items() if rows]


def _model(summary: Summary) -> dict[str, Any]:
    """The model, without what run.json alone is for: its configuration, and earlier cuts."""
    origin = summary["model"]["origin"]
    if origin is None:
        return {**summary["model"]}
    skipped = ("config", "module")
    spec = {name: value for name, value in origin["spec"].items() if name not in skipped}
    told: dict[str, Any] = {"kind": origin["kind"], "spec": spec}
    if origin["cuts"]:
        told["pruned before"] = f.plural(len(origin["cuts"]), "cut")
    return {**summary["model"], "origin": told}


def _data(summary: Summary) -> dict[str, Any]:
    """The data, with the length of a sample where that is a text."""
    tokens = summary["tokens"]
    given = {"input": f.plural(tokens, "token")} if tokens else {}
    return {**summary["data"], **given}


def _run(summary: Summary) -> Facts:
    images, train = summary["images"], summary["data"]["train"]
    seen = f.exact(images)
    if images and train:
        seen += f" ({images / train:,.2f} passes over the training data)"
    return [
        ("date", moment(summary["created"])),
        ("seed", f.setting(summary["settings"]["seed"])),
        ("time spent", f.duration(summary["seconds"])),
        *energy.facts(summary),
        (f"{'samples' if summary['tokens'] else 'images'} seen in fine-tuning", seen),
        ("stopped because", summary["stopped_because"]),
        ("leanfair", summary["leanfair"]),
        ("format of summary.json", f.setting(summary["format"])),
    ]


def _flat(
    found: Mapping[str, Any],
    prefix: str = "",
    exact: AbstractSet[str] = frozenset(),
    none: str = "none",
) -> Facts:
    """Nested values one by one, under names with dots. Names in `exact` are counts."""
    rows: Facts = []
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}.", none=none)
        else:
            counted = key in exact and value is not None
            rows.append((name, f.exact(value) if counted else f.setting(value, none)))
    return rows
