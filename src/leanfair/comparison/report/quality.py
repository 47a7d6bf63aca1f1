"""Quality on the page: how well each answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leanfair.comparison.schema.quality import Difference
from leanfair.comparison.schema.summary import Summary
from leanfair.html import formats as f
from leanfair.html.page import Tile


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/quality.html.j2 is filled with; None where nothing was measured."""
    quality = summary["quality"]
    if quality is None:
        return None
    return {"rows": [] if quality["accuracy"] is None else [_row(quality["accuracy"]["overall"])]}


def tiles(summary: Summary) -> list[Tile]:
    """The key number of quality."""
    quality = summary["quality"]
    if quality is None or quality["accuracy"] is None:
        return [Tile("Quality", "unknown", note="not measured")]
    found = quality["accuracy"]["overall"]
    old, new = found["parent"], found["child"]
    return [Tile("Accuracy, points", f.points(old, new), *f.apart(old, new))]


def _row(found: Difference) -> dict[str, str]:
    return {
        "name": "Accuracy",
        "parent": f.percent(found["parent"], 2),
        "child": f.percent(found["child"], 2),
        "change": f.points(found["parent"], found["child"]),
        "span": interval(found),
    }


def interval(found: Difference) -> str:
    """The interval of a difference of shares, in points."""
    if found["low"] is None or found["high"] is None:
        return f.DASH
    return f"{f.points(0, found['low'])} to {f.points(0, found['high'])}"
