"""What a run found, as rows: its rounds, what the network costs, what was run on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from leanfair.html import formats as f
from leanfair.html.formats import moment
from leanfair.pruning.report.charts import Journey, Round
from leanfair.pruning.report.quality import PERPLEXITY, Quality, Summary, quality_of
from leanfair.pruning.types import COSTS

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
    counted = "params" if settings["of"] == "params" else "macs"
    whole = summary[counted]["before"]
    return Journey(
        tuple(_round(step, counted, whole, quality) for step in summary["steps"]),
        quality.watched(summary),
        quality.test(summary),
        settings["cut"] if settings["of"] == counted else None,
        quality,
        COSTS[counted],
    )


def _round(step: Mapping[str, Any], counted: str, whole: float, quality: Quality) -> Round:
    layer, neurons = (f.finite(step["cka"].get(kind)) for kind in ("layer", "neurons"))
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


def _round_row(step: Mapping[str, Any], summary: Summary) -> RoundRow:
    whole, quality = summary["macs"]["before"], quality_of(summary)
    spoken = quality is PERPLEXITY  # a language model's costs take too many digits for a column
    layer, neurons = f.similarities(step["cka"].get("layer"), step["cka"].get("neurons"))
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


def _cost(value: Any, of: str) -> str:
    """What the target counts, where no other column has it."""
    return {"latency": f.milliseconds, "memory": f.size}.get(of, lambda _: "")(value)


def _brief(step: Mapping[str, Any]) -> str:
    """A cut in a few words; the whole text where that is short itself."""
    text, cut = str(step["text"]), step.get("cut") or {}
    if len(text) <= BRIEF:
        return text
    if step["chosen"] == "layer" and cut.get("layers"):
        names = [layer["name"] for layer in cut["layers"]]
        return names[0] if len(names) == 1 else f.plural(len(names), "block")
    if step["chosen"] == "neurons" and cut.get("neurons"):
        return _amounts(cut["neurons"])
    return f"{text[: BRIEF - 1]}…"


def _amounts(cuts: Sequence[Mapping[str, Any]]) -> str:
    """How many neurons go; of a transformer, how many heads and how many units."""
    heads = sum(len(cut["drop"]) for cut in cuts if cut["group"].get("unit") == "head")
    rest = sum(len(cut["drop"]) for cut in cuts) - heads
    if not heads and not any(cut["group"].get("fields") for cut in cuts):
        return f.plural(rest, "neuron")
    amounts = [f.plural(heads, "head")] if heads else []
    return ", ".join([*amounts, *([f.plural(rest, "unit")] if rest else [])])


def cost_rows(summary: Summary) -> list[CostRow]:
    """The table of costs."""
    tokens = summary.get("tokens")
    sample = f"one sample of {tokens:,} tokens" if tokens else "one sample"
    rows = [
        _counted(f"MACs, {sample}", summary["macs"], f.exact),
        *_part("of which attention", summary.get("attention_macs"), "scores and mixing"),
        _counted("Parameters", summary["params"], f.exact),
        *_part("of which embeddings", summary.get("embeddings"), "not cut"),
        _counted("File size", summary["bytes"], f.size),
    ]
    latency = summary.get("latency") or {"before": {}, "after": {}}
    for size in sorted(latency["before"], key=int):
        if size in latency["after"]:
            rows.append(_timed(size, latency["before"][size], latency["after"][size]))
    return rows


def _counted(label: str, found: Mapping[str, Any], form: Any) -> CostRow:
    before, after = found["before"], found["after"]
    return CostRow(
        label, form(before), form(after), f.change(before, after), f.ratio(before, after),
        _share(before, after),
    )  # fmt: skip


def _part(label: str, found: Mapping[str, Any] | None, note: str) -> list[CostRow]:
    """The row of a part of a cost, where there is such a part."""
    return [replace(_counted(label, found, f.exact), note=note, part=True)] if found else []


def _timed(size: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> CostRow:
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


def _timing(found: Mapping[str, Any]) -> str:
    return f"{f.span(found['low'], found['high'])}, {f.plural(found['runs'], 'run')}"


def _share(before: Any, after: Any) -> float | None:
    old, new = f.finite(before), f.finite(after)
    return None if not old or new is None or new > old else new / old


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
    origin = summary["model"].get("origin")
    if not isinstance(origin, Mapping):
        return dict(summary["model"])
    spec = origin.get("spec")
    told, skipped = {**origin}, ("config", "module")
    if isinstance(spec, Mapping):
        told["spec"] = {name: value for name, value in spec.items() if name not in skipped}
    if earlier := told.pop("cuts", ()):
        told["pruned before"] = f.plural(len(earlier), "cut")
    return {**summary["model"], "origin": told}


def _data(summary: Summary) -> dict[str, Any]:
    """The data, with the length of a sample where that is a text."""
    tokens = summary.get("tokens")
    given = {"input": f.plural(tokens, "token")} if tokens else {}
    return {**summary["data"], **given}


def _run(summary: Summary) -> Facts:
    images, train = f.finite(summary["images"]), f.finite(summary["data"].get("train"))
    seen = f.exact(images)
    if images and train:
        seen += f" ({images / train:,.2f} passes over the training data)"
    return [
        ("date", moment(summary["created"])),
        ("seed", f.setting(summary["settings"].get("seed"))),
        ("time spent", f.duration(summary["seconds"])),
        (f"{'samples' if summary.get('tokens') else 'images'} seen in fine-tuning", seen),
        ("stopped because", f.setting(summary.get("stopped_because") or None)),
        ("leanfair", f.setting(summary["leanfair"])),
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
