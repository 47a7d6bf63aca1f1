"""What a run found, as rows: its rounds, what the network costs, what was run on what."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from leanfair.report import formats as f
from leanfair.report.charts import Journey, Round
from leanfair.report.story import Summary, pair

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
    accuracy: str
    seconds: str
    brief: str
    text: str


@dataclass(frozen=True)
class CostRow:
    """One line of the table of costs. `share` is what is left, for a bar, None where it grew."""

    label: str
    before: str
    after: str
    change: str
    ratio: str
    share: float | None
    before_note: str = ""
    after_note: str = ""
    note: str = ""


def journey(summary: Summary) -> Journey:
    """The rounds as the chart takes them."""
    whole = summary["macs"]["before"]
    settings = summary["settings"]
    return Journey(
        tuple(_round(step, whole) for step in summary["steps"]),
        pair(summary.get("calibration_accuracy")),
        pair(summary.get("accuracy")),
        settings["cut"] if settings["of"] == "macs" else None,
    )


def _round(step: Mapping[str, Any], whole: float) -> Round:
    layer, neurons = (f.finite(step["cka"].get(kind)) for kind in ("layer", "neurons"))
    accuracy = f.finite(step["accuracy"])
    left = step["macs"] / whole if whole else 1.0
    what = "a layer" if step["chosen"] == "layer" else "neurons"
    similar = [text.replace(f.DASH, "none") for text in f.similarities(layer, neurons)]
    words = (
        f"Round {step['index']}: {what} removed. CKA layer {similar[0]}, "
        f"neurons {similar[1]}. MACs left {f.short(step['macs'])} ({f.percent(left)})."
    )
    if accuracy is not None:
        words += f" Calibration accuracy {f.percent(accuracy, 2)}."
    return Round(step["index"], step["chosen"], layer, neurons, 1.0 - left, accuracy, words)


def round_rows(summary: Summary) -> list[RoundRow]:
    """The table of rounds."""
    return [_round_row(step, summary) for step in summary["steps"]]


def _round_row(step: Mapping[str, Any], summary: Summary) -> RoundRow:
    whole = summary["macs"]["before"]
    layer, neurons = f.similarities(step["cka"].get("layer"), step["cka"].get("neurons"))
    return RoundRow(
        index=step["index"],
        chosen=step["chosen"],
        layer=layer,
        neurons=neurons,
        macs=f.exact(step["macs"]),
        left=f.percent(step["macs"] / whole if whole else None),
        params=f.exact(step["params"]),
        cost=_cost(step["cost"], summary["settings"]["of"]),
        accuracy=f.percent(step["accuracy"], 2),
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
        return f.plural(sum(len(group["drop"]) for group in cut["neurons"]), "neuron")
    return f"{text[: BRIEF - 1]}…"


def cost_rows(summary: Summary) -> list[CostRow]:
    """The table of costs."""
    rows = [
        _counted("MACs, one sample", summary["macs"], f.exact),
        _counted("Parameters", summary["params"], f.exact),
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
        "Model": _flat(summary["model"], exact={"macs", "params", "filters"}),
        "Data": _flat(summary["data"], exact={"train", "calibration", "test"}),
        "Machine": _flat(summary["machine"]),
        "Settings": _flat(summary["settings"], none="not set"),
    }
    return [(name, rows) for name, rows in groups.items() if rows]


def _run(summary: Summary) -> Facts:
    images, train = f.finite(summary["images"]), f.finite(summary["data"].get("train"))
    seen = f.exact(images)
    if images and train:
        seen += f" ({images / train:,.2f} passes over the training data)"
    return [
        ("date", moment(summary["created"])),
        ("seed", f.setting(summary["settings"].get("seed"))),
        ("time spent", f.duration(summary["seconds"])),
        ("images seen in fine-tuning", seen),
        ("stopped because", f.setting(summary.get("stopped_because") or None)),
        ("leanfair", f.setting(summary["leanfair"])),
        ("format of summary.json", f.setting(summary["format"])),
    ]


def moment(created: str) -> str:
    """A time in UTC without the letters of ISO 8601."""
    return created.replace("T", " ").replace("+00:00", " UTC")


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
