"""Quality on the page: how well each answers, and how much they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leanfair.comparison.report.reliability import reliability_chart
from leanfair.comparison.schema.quality import (
    Accuracy,
    Agreement,
    ClassEntry,
    Difference,
    Growth,
    Measure,
    Perplexity,
    Quality,
)
from leanfair.comparison.schema.summary import Summary
from leanfair.html import formats as f
from leanfair.html.page import Tile, twice

MOST_CLASSES = 12
"""Classes that are shown without being asked for."""
SURE = 0.05
"""The adjusted p-value below which a class is said to have changed."""


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/quality.html.j2 is filled with; None where nothing was measured."""
    quality = summary["quality"]
    if quality is None:
        return None
    accuracy, perplexity = quality["accuracy"], quality["perplexity"]
    calibration = quality["calibration"]
    return {
        "rows": _rows(quality),
        "accuracy": accuracy,
        "counts": "" if accuracy is None else _counts(accuracy),
        "classes": [] if accuracy is None else _classes(accuracy["classes"]),
        "folded": accuracy is not None and len(accuracy["classes"]) > MOST_CLASSES,
        "classes_said": "" if accuracy is None else classes_said(accuracy["classes"]),
        "growths": [] if perplexity is None else _growths(perplexity),
        "charts": [] if calibration is None else twice(_drawn, calibration, "reliability"),
        "examples": _examples(summary),
        "agreement": _agreement(quality["agreement"]),
        "similarity": quality["similarity"],
    }


def tiles(summary: Summary) -> list[Tile]:
    """The key number of quality."""
    quality = summary["quality"]
    if quality is None:
        return [Tile("Quality", "unknown", note="not measured")]
    if quality["accuracy"] is not None:
        found = quality["accuracy"]["overall"]
        old, new = found["parent"], found["child"]
        note = f"95 %: {interval(found)}"
        return [Tile("Accuracy, points", f.points(old, new), *f.apart(old, new), note)]
    if quality["perplexity"] is not None:
        growth = quality["perplexity"]["overall"]
        both = f.perplexity(growth["parent"]), f.perplexity(growth["child"])
        return [Tile("Perplexity", f.growth(growth["parent"], growth["child"]), *both)]
    if quality["error"] is not None:
        error = quality["error"]
        both = f"{error['parent']:.4g}", f"{error['child']:.4g}"
        return [Tile("Squared error", f.growth(error["parent"], error["child"]), *both)]
    if quality["agreement"] is not None:
        same = quality["agreement"]["same"]
        return [Tile("Same answers", f.percent(same["value"]), note="no labels say what is right")]
    return [Tile("Quality", "unknown", note="not measured")]


def interval(found: Difference) -> str:
    """The interval of a difference of shares, in points."""
    if found["low"] is None or found["high"] is None:
        return f.DASH
    return f"{f.points(0, found['low'])} to {f.points(0, found['high'])}"


def classes_said(classes: Sequence[ClassEntry]) -> str:
    """Which classes changed beyond chance, in a sentence."""
    told = [each for each in classes if each["adjusted"] is not None]
    if not told:
        return ""
    changed = [each for each in told if (each["adjusted"] or 0.0) < SURE]
    if not changed:
        return (
            f"No class of the {len(told)} changed by more than chance makes likely, once that so "
            f"many are looked at is reckoned with: smaller changes may be there."
        )
    lost = [each["name"] for each in changed if each["value"] < 0]
    won = [each["name"] for each in changed if each["value"] > 0]
    parts = [
        f"{', '.join(names)} {what}" for names, what in ((lost, "lost"), (won, "gained")) if names
    ]
    return (
        f"Beyond chance, once that {len(told)} classes are looked at is reckoned with: "
        f"{'; '.join(parts)}."
    )


def _drawn(found: Any, width: float, identity: str, style: str) -> Any:
    return reliability_chart(found, width, identity, style)


def _rows(quality: Quality) -> list[dict[str, str]]:
    rows = []
    accuracy = quality["accuracy"]
    if accuracy is not None:
        rows.append(_row("Accuracy", accuracy["overall"]))
        if accuracy["balanced"] is not None:
            rows.append(_row("Balanced accuracy", accuracy["balanced"], "mean over the classes"))
        worst = accuracy["worst_class"]
        if worst is not None:
            one, other = worst["parent_class"], worst["child_class"]
            named = one if one == other else f"{one}, then {other}"
            rows.append(_row("Worst class", worst["accuracy"], named))
    if quality["calibration"] is not None:
        error = quality["calibration"]["error"]
        rows.append(_row("Calibration error", error, "the lower, the better"))
    if quality["error"] is not None:
        rows.append(_plain("Mean squared error", quality["error"]))
    return rows


def _row(name: str, found: Difference, note: str = "") -> dict[str, str]:
    return {
        "name": name,
        "note": note,
        "parent": f.percent(found["parent"], 2),
        "child": f.percent(found["child"], 2),
        "change": f.points(found["parent"], found["child"]),
        "span": interval(found),
    }


def _plain(name: str, found: Difference) -> dict[str, str]:
    low, high = found["low"], found["high"]
    return {
        "name": name,
        "note": "the lower, the better",
        "parent": f"{found['parent']:.4g}",
        "child": f"{found['child']:.4g}",
        "change": f"{found['value']:+.3g}",
        "span": f.DASH if low is None or high is None else f"{low:+.3g} to {high:+.3g}",
    }


def _counts(accuracy: Accuracy) -> str:
    """On how many samples one alone is right, and McNemar's test, in a sentence."""
    lost, gained, n = accuracy["lost"], accuracy["gained"], accuracy["samples"]
    if accuracy["p_value"] is None:
        return f"Of {f.plural(n, 'sample')}, {lost:,} have fewer right answers and {gained:,} more."
    return (
        f"Of {f.plural(n, 'sample')}, the parent alone gets {lost:,} right, and the child alone "
        f"{gained:,} (McNemar’s exact test: p = {accuracy['p_value']:.2g})."
    )


def _classes(classes: Sequence[ClassEntry]) -> list[dict[str, Any]]:
    ordered = sorted(classes, key=lambda each: each["value"])
    return [
        {
            **_row(each["name"], each),
            "samples": f.exact(each["samples"]),
            "p": f.DASH if each["adjusted"] is None else f"{each['adjusted']:.2g}",
            "sure": each["adjusted"] is not None and each["adjusted"] < SURE,
        }
        for each in ordered
    ]


def _growths(found: Perplexity) -> list[dict[str, str]]:
    rows = [_growth("All tokens", found["overall"])]
    for bins, what in ((found["by_length"], "texts of {}"), (found["by_context"], "after {}")):
        for each in bins:
            least, most = each["least"], each["most"]
            span = f"{least:,} tokens or more" if most is None else f"{least:,} to {most:,} tokens"
            rows.append(_growth(what.format(span).capitalize(), each))
    return rows


def _growth(name: str, found: Growth) -> dict[str, str]:
    low, high = found["low"], found["high"]
    return {
        "name": name,
        "parent": f.perplexity(found["parent"]),
        "child": f.perplexity(found["child"]),
        "ratio": f.times(found["ratio"]),
        "span": f.DASH if low is None or high is None else f"{f.times(low)} to {f.times(high)}",
        "tokens": f.exact(found["tokens"]),
        "samples": f.exact(found["samples"]),
    }


def _examples(summary: Summary) -> list[tuple[str, Any]]:
    """Headings, each with the samples below it; none where there are none."""
    quality = summary["quality"]
    if quality is None or quality["examples"] is None:
        return []
    found = quality["examples"]
    both = (
        ("Only the parent gets right", found["only_parent"]),
        ("Only the child gets right", found["only_child"]),
    )
    return [(heading, samples) for heading, samples in both if samples]


def _agreement(found: Agreement | None) -> str:
    if found is None:
        return ""
    same, kl = found["same"], found["kl"]
    return (
        f"Of {f.exact(found['answers'])} answers, {f.percent(same['value'], 2)} are the same in "
        f"both{_between(same, True)}, whether right or not. The child’s probabilities differ from "
        f"the parent’s by a mean KL divergence of {kl['value']:.3g} nats{_between(kl, False)}."
    )


def _between(found: Measure, share: bool) -> str:
    if found["low"] is None or found["high"] is None:
        return ""
    if share:
        return f" (95 %: {f.percent(found['low'], 2)} to {f.percent(found['high'], 2)})"
    return f" (95 %: {found['low']:.3g} to {found['high']:.3g})"
