"""A reliability diagram of both models: how often they are right where they are about so sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from leanfair.comparison.schema.quality import BinEntry, Calibration
from leanfair.html.formats import percent
from leanfair.html.svg import Scale, drawing, element, line, mark, path, rectangle, text

SHAPES = {"parent": ("square", "kept"), "child": ("circle", "layer")}
"""The mark of each model, and its style."""
HEIGHT = 250.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Panel:
    """Where a panel stands: its scales from shares to pixels."""

    x: Scale
    y: Scale

    @property
    def left(self) -> float:
        return self.x.start

    @property
    def right(self) -> float:
        return self.x.end

    @property
    def bottom(self) -> float:
        return self.y.start


def reliability_chart(found: Calibration, width: float, identity: str, style: str) -> Markup:
    """The picture, `width` pixels wide: accuracy against confidence, and how many samples each
    bin has. `identity` is unique in the page; `style` is its class."""
    beside = width > 600
    half = (width - 40) / 2 if beside else width
    top = 24.0
    one = _panel(44, half - 8, top)
    low = top if beside else top + HEIGHT + 74
    start = half + 40 + 44 if beside else 44.0
    other = _panel(start, width - 8, low)
    bins = {"parent": found["parent_bins"], "child": found["child_bins"]}
    shapes = [
        *_axes(one, "Right", "Confidence in the answer"),
        line(one.left, one.bottom, one.right, one.y(1), "target"),
        *(shape for name, each in bins.items() for shape in _series(one, name, each)),
        *_axes(other, "Samples", "Confidence in the answer"),
        *(shape for name, each in bins.items() for shape in _bars(other, name, each)),
    ]
    return drawing(
        identity, style, width, other.bottom + 46,
        "How sure both models are, and how often they are right",
        f"The calibration error is {percent(found['error']['parent'], 2)} of the parent and "
        f"{percent(found['error']['child'], 2)} of the child.",
        *shapes,
    )  # fmt: skip


def _panel(left: float, right: float, top: float) -> Panel:
    return Panel(Scale(0, 1, left, right), Scale(0, 1, top + HEIGHT, top))


def _axes(panel: Panel, up: str, along: str) -> list[Markup]:
    shapes = [text(panel.left - 40, panel.y(1) - 10, up, "axis-title")]
    for value in TICKS:
        shapes.append(line(panel.left, panel.y(value), panel.right, panel.y(value), "grid"))
        shapes.append(text(panel.left - 6, panel.y(value) + 4, percent(value, 0), "tick", "end"))
        shapes.append(text(panel.x(value), panel.bottom + 18, percent(value, 0), "tick", "middle"))
    shapes.append(line(panel.left, panel.bottom, panel.right, panel.bottom, "axis"))
    middle = (panel.left + panel.right) / 2
    shapes.append(text(middle, panel.bottom + 38, along, "axis-title", "middle"))
    return shapes


def _series(panel: Panel, name: str, bins: Sequence[BinEntry]) -> list[Markup]:
    """The bins that have samples, as marks on a line."""
    held = [each for each in bins if each["samples"]]
    places = [(panel.x(each["confidence"]), panel.y(each["accuracy"])) for each in held]
    shape, style = SHAPES[name]
    route = element("polyline", points=path(places), class_="route")
    marks = [mark(shape, x, y, 4.2, style) for (x, y), _ in zip(places, held, strict=True)]
    return [route, *marks]


def _bars(panel: Panel, name: str, bins: Sequence[BinEntry]) -> list[Markup]:
    """The share of the samples in each bin, the child's beside the parent's."""
    total = sum(each["samples"] for each in bins) or 1
    style = SHAPES[name][1]
    shapes = []
    for each in bins:
        low, high = panel.x(each["low"]), panel.x(each["high"])
        wide = (high - low) * 0.4
        start = low + (high - low) * (0.08 if name == "parent" else 0.52)
        up = panel.y(each["samples"] / total)
        shapes.append(rectangle(start, up, wide, panel.bottom - up, style))
    return shapes
