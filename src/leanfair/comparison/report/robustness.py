"""Robustness on the page: under attacks, under corruptions, on other test sets, and two claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leanfair.comparison.report.robustness_charts import (
    Curve,
    Heat,
    Panel,
    attack_chart,
    heat_chart,
)
from leanfair.comparison.schema.quality import Difference
from leanfair.comparison.schema.robustness import AttacksEntry, CorruptionsEntry, Robustness
from leanfair.comparison.schema.summary import Summary
from leanfair.html import formats as f
from leanfair.html.page import Tile, twice
from leanfair.statistics import wilson

NAMES = {
    "noise": "Random noise",
    "fgsm": "FGSM",
    "pgd": "PGD",
    "transfer": "Made against the other",
}


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/robustness.html.j2 is filled with; None where nothing was asked."""
    found = summary["robustness"]
    if found is None:
        return None
    attacks, corruptions = found["attacks"], found["corruptions"]
    return {
        "claims": found["claims"],
        "attacks": None if attacks is None else _attacks(attacks),
        "corruptions": None if corruptions is None else _corruptions(corruptions),
        "extra": [
            {
                "name": f"{one['name']} ({f.plural(one['samples'], 'sample')})",
                **_row(one["accuracy"]),
            }
            for one in found["extra"]
        ],
        "missing": _missing(found),
    }


def tiles(summary: Summary) -> list[Tile]:
    """The key numbers of robustness."""
    found = summary["robustness"]
    if found is None:
        return []
    shown = []
    attacks, corruptions = found["attacks"], found["corruptions"]
    if attacks is not None:
        row = _telling(attacks)
        old, new = row["accuracy"]["parent"], row["accuracy"]["child"]
        note = f"PGD, {row['level']}" if attacks["trusted"] else "gradients may be masked"
        shown.append(Tile("Under attack, points", f.points(old, new), *f.apart(old, new), note))
    if corruptions is not None:
        old, new = corruptions["accuracy"]["parent"], corruptions["accuracy"]["child"]
        shown.append(Tile("Corrupted, points", f.points(old, new), *f.apart(old, new)))
    return shown


def _telling(attacks: AttacksEntry) -> Any:
    """The row of PGD in which the parent is nearest to half of what it gets right otherwise."""
    half = attacks["clean"]["parent"] / 2
    rows = [row for row in attacks["rows"] if row["attack"] == "pgd"]
    return min(rows, key=lambda row: abs(row["accuracy"]["parent"] - half))


def _attacks(attacks: AttacksEntry) -> Mapping[str, Any]:
    rows = [
        {
            "name": NAMES[row["attack"]],
            "level": row["level"],
            **_row(row["accuracy"]),
            "kept": None if row["kept"] is None else _row(row["kept"]),
        }
        for row in attacks["rows"]
    ]
    panels = [_panel(attacks, kind) for kind in ("fgsm", "pgd")]
    return {
        "samples": f.exact(attacks["samples"]),
        "steps": attacks["steps"],
        "restarts": f.plural(attacks["restarts"], "random start"),
        "charts": twice(attack_chart, panels, "attacks"),
        "rows": rows,
        "checks": attacks["checks"],
        "trusted": attacks["trusted"],
    }


def _panel(attacks: AttacksEntry, kind: str) -> Panel:
    rows = [row for row in attacks["rows"] if row["attack"] == kind]
    samples = attacks["samples"]
    both = [attacks["clean"], *(row["accuracy"] for row in rows)]
    radii = ("none", *(row["level"] for row in rows))
    old, new = (_curve([pair[side] for pair in both], samples) for side in ("parent", "child"))
    return Panel(NAMES[kind], radii, old, new)


def _curve(values: list[float], samples: int) -> Curve:
    spans = [wilson(value, samples) for value in values]
    return Curve(tuple(values), tuple(low for low, _ in spans), tuple(high for _, high in spans))


def _corruptions(found: CorruptionsEntry) -> Mapping[str, Any]:
    heats = [
        Heat(
            row["name"].replace("_", " "),
            tuple((one["parent"], one["child"], _clear(one)) for one in row["accuracy"]),
        )
        for row in found["rows"]
    ]
    relative = found["relative"]
    whole = relative["value"] is not None and relative["low"] is not None
    span = f"{_times(relative['low'])} to {_times(relative['high'])}" if whole else f.DASH
    return {
        "samples": f.exact(found["samples"]),
        "charts": twice(heat_chart, (heats, found["severities"]), "corruptions"),
        "rows": [
            {"name": "Without corruption", **_row(found["clean"])},
            {"name": "Mean over corruptions", **_row(found["accuracy"])},
            {"name": "Lost to corruption", **_row(found["drop"])},
            {"name": "Mean corruption error", **_row(found["error"])},
        ],
        "relative": _times(relative["value"]),
        "span": span,
        "each": [
            {"name": row["name"].replace("_", " "), "kind": row["kind"],
             "relative": _times(row["relative"])}
            for row in found["rows"]
        ],
    }  # fmt: skip


def _missing(found: Robustness) -> list[str]:
    told = (("Attacks", found["attacks_missing"]), ("Corruptions", found["corruptions_missing"]))
    return [f"{what} were not measured: {why}." for what, why in told if why is not None]


def _times(value: float | None) -> str:
    return f.DASH if value is None else f"{value:.3f}"


def _clear(found: Difference) -> bool:
    """Whether the interval leaves 0 out."""
    low, high = found["low"], found["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _row(found: Difference) -> dict[str, str]:
    old, new, low, high = found["parent"], found["child"], found["low"], found["high"]
    known = low is not None and high is not None
    return {
        "parent": f.percent(old),
        "child": f.percent(new),
        "change": f.points(old, new),
        "span": f"{f.points(0, low or 0.0)} to {f.points(0, high or 0.0)}" if known else f.DASH,
    }
