"""Energy on the page: of inference, of fine-tuning, of the pruning itself; and when it has paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leanfair.comparison.schema.energy import Amount, BreakEven, Energy, Pruning, Ratio, Work
from leanfair.comparison.schema.summary import Summary
from leanfair.html import formats as f
from leanfair.html.page import Tile


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/energy.html.j2 is filled with; None where nothing was measured."""
    energy = summary["energy"]
    if energy is None:
        return None
    works = [(_inferences(energy), energy["inference"])]
    if energy["fine_tuning"] is not None:
        works.append((_epoch(energy["fine_tuning"]), energy["fine_tuning"]))
    return {
        "rows": [row for label, work in works for row in _rows(label, work)],
        "basis": list(dict.fromkeys(work["basis"] for _, work in works)),
        "how": [_measured(label, work) for label, work in works],
        "untrained": energy["untrained"],
        "grid": grid(energy),
        "pruning": _pruning(energy["pruning"]),
        "break_even": break_even(energy["break_even"], energy["pruning"]),
        "estimated": "estimated" in {work["kind"] for _, work in works},
    }


def tiles(summary: Summary) -> list[Tile]:
    """The key number of energy."""
    energy = summary["energy"]
    if energy is None:
        return []
    work = energy["inference"]
    label = "Energy to infer"
    if work["parent"]["kwh"] is None:
        return [Tile(label, "unknown", note="not known on this machine")]
    old, new = work["parent"]["kwh"], work["child"]["kwh"]
    note = "an estimate" if work["kind"] == "estimated" else "measured"
    return [Tile(label, f.change(old, new), f.watt_hours(old), f.watt_hours(new), note)]


def lines(summary: Summary) -> list[str]:
    """What the terminal says of energy: sentences."""
    energy = summary["energy"]
    if energy is None:
        return []
    work = energy["inference"]
    old, new = work["parent"], work["child"]
    if old["kwh"] is None:
        return [work["basis"]]
    said = (
        f"{_inferences(energy)} take {f.watt_hours(new['kwh'])} instead of "
        f"{f.watt_hours(old['kwh'])} ({work['kind']}), {f.grams(new['grams'])} of CO2 instead of "
        f"{f.grams(old['grams'])} ({energy['grid']['region']})."
    )
    even = break_even(energy["break_even"], energy["pruning"])
    return [said, *([even] if even else []), work["basis"]]


def grid(energy: Energy) -> str:
    """By which grid carbon is reckoned."""
    found = energy["grid"]
    return (
        f"Carbon is energy times {found['grams_per_kwh']:g} g of CO2 for a kWh, that of the region "
        f"{found['region']} ({found['source']})."
    )


def break_even(found: BreakEven | None, pruning: Pruning | None) -> str:
    """After how many inferences the child has paid for itself, in a sentence; empty where it was
    not made by a run."""
    if pruning is None:
        return ""
    if found is None:
        return "When the child has paid for that cannot be reckoned without its energy."
    least = "at least " if pruning["total"]["at_least"] else ""
    if found["samples"] is None:
        return "It never pays: the child takes no less energy for an inference than its parent."
    if found["low"] is None:
        span = ""
    elif found["high"] is None:
        span = (
            f" (95 % interval from {f.short(found['low'])}, without an end: the saving may be "
            f"nothing)"
        )
    else:
        span = f" (95 % interval {f.short(found['low'])} to {f.short(found['high'])})"
    return (
        f"It has paid back that energy after {least}{f.short(found['samples'])} inferences{span}."
    )


def _pruning(found: Pruning | None) -> str:
    if found is None:
        return "What it took to make the child is not known: it is not the end of a pruning run."
    whole = found["total"]
    if whole["kwh"] is None:
        return f"What energy it took to make the child is not known. {whole['basis']}"
    least = "at least " if whole["at_least"] else ""
    part = (
        ""
        if found["recovery"] is None
        else f", {f.watt_hours(found['recovery'])} of them for recovery"
    )
    return (
        f"Making the child took {least}{f.watt_hours(whole['kwh'])} ({whole['kind']}){part}, "
        f"{f.grams(found['grams'])} of CO2. {whole['basis']}"
    )


def _inferences(energy: Energy) -> str:
    tokens = energy["tokens"]
    return f"A million inferences of {tokens:,} tokens" if tokens else "A million inferences"


def _epoch(work: Work) -> str:
    return f"Fine-tuning, an epoch of {work['samples']:,} samples"


def _rows(label: str, work: Work) -> list[dict[str, str]]:
    parent, child = work["parent"], work["child"]
    time = {
        "label": f"{label}: time",
        "parent": f.duration(parent["seconds"]),
        "child": f.duration(child["seconds"]),
        "note": "",
        **_change(work["time_ratio"]),
    }
    if parent["kwh"] is None:
        return [{**time, "note": "energy is not known"}]
    return [
        {
            "label": f"{label}: energy",
            "note": work["kind"],
            "parent": f.watt_hours(parent["kwh"]),
            "child": f.watt_hours(child["kwh"]),
            **_change(work["energy_ratio"]),
        },
        {
            "label": f"{label}: carbon",
            "note": "",
            **_carbon(parent, child),
            **_change(work["energy_ratio"]),
        },
        time,
    ]


def _carbon(parent: Amount, child: Amount) -> dict[str, str]:
    return {"parent": f.grams(parent["grams"]), "child": f.grams(child["grams"])}


def _change(found: Ratio | None) -> dict[str, str]:
    if found is None:
        return {"change": f.DASH, "span": f.DASH}
    if found["low"] is None or found["high"] is None:
        return {"change": f.change(1, found["value"]), "span": f.DASH}
    return {
        "change": f.change(1, found["value"]),
        "span": f"{f.change(1, found['low'])} to {f.change(1, found['high'])}",
    }


def _measured(label: str, work: Work) -> str:
    return (
        f"{label}: reckoned from {work['measured']:,} samples of each model, done "
        f"{work['batch_size']:,} at once in {f.plural(work['rounds'], 'block')} each, in turn, "
        f"within {f.duration(work['seconds'])}."
    )
