"""The pictures of an audit: numbers with their intervals in rows, and rules as a frontier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from leanfair.fairness.report.words import Span
from leanfair.html.formats import MINUS, signed
from leanfair.html.svg import (
    Scale,
    digits_for,
    drawing,
    element,
    line,
    mark,
    rectangle,
    shortened,
    text,
    ticks,
)

TELEPHONE = 500.0
"""Narrower pictures have their labels above the rows, and no intervals in figures."""
LANE = 18.0


@dataclass(frozen=True)
class Dot:
    """A number with its interval. `span` is None where nothing can be said; `words` say it all,
    `brief` the number alone. `base`: where a bar to the number starts, None for a mark."""

    span: Span | None
    words: str
    brief: str
    shape: str = "circle"
    style: str = "layer"
    base: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of a chart: a label, and one or more numbers. `aside`: set aside from a comparison."""

    label: str
    dots: tuple[Dot, ...]
    aside: bool = False


@dataclass(frozen=True)
class Page:
    """Where things are in a chart of rows."""

    width: float
    x: Scale
    label: float

    @property
    def narrow(self) -> bool:
        return self.width < TELEPHONE


def rows_chart(
    rows: Sequence[Row],
    width: float,
    identity: str,
    style: str,
    *,
    title: str,
    about: str,
    axis: str,
    sign: bool = False,
) -> Markup:
    """Numbers with whiskers, a row each. `sign`: they are differences, in points; else shares."""
    page = _page(rows, width)
    top = 8.0
    shapes: list[Markup] = []
    y = top
    for row in rows:
        drawn, y = _row(row, page, y)
        shapes += drawn
    frame = _axis(page, top - 4, y + 2, axis, sign)
    return drawing(identity, style, width, y + 46, title, about, *frame, *shapes)


def _page(rows: Sequence[Row], width: float) -> Page:
    known = [end for row in rows for dot in row.dots if dot.span for end in dot.span]
    known += [dot.base for row in rows for dot in row.dots if dot.base is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    high = high if high - low > 0.02 else low + 0.02
    marks = ticks(low, high, 5)
    most = max((len(dot.words) for row in rows for dot in row.dots), default=0)
    longest = max((len(row.label) for row in rows), default=0)
    if width < TELEPHONE:
        return Page(width, Scale(marks[0], marks[-1], 6.0, width - 58.0), width - 60.0)
    label = min(300.0, max(90.0, 7.0 * longest))
    figures = min(240.0, 6.4 * most + 18)
    return Page(width, Scale(marks[0], marks[-1], label + 22, width - figures), label)


def _row(row: Row, page: Page, y: float) -> tuple[list[Markup], float]:
    label = element(
        "text", element("title", row.label), shortened(row.label, page.label, 6.6),
        x=0, y=y + 14, class_="name aside" if row.aside else "name",
    )  # fmt: skip
    shapes = [label]
    if page.narrow:
        wide = min(page.label, 6.9 * len(row.label) + 4)
        shapes.insert(0, rectangle(0, y + 2, wide, 15, "back"))
    top = y + (18 if page.narrow else 0)
    for place, dot in enumerate(row.dots):
        shapes += _dot(dot, page, top + LANE * place + 10, row.aside)
    bottom = top + LANE * max(1, len(row.dots))
    return shapes, bottom + (8 if len(row.dots) > 1 or page.narrow else 4)


def _dot(dot: Dot, page: Page, y: float, aside: bool) -> list[Markup]:
    words = dot.brief if page.narrow else dot.words
    figure = text(page.width, y + 4, words, "tick figure" if dot.span else "tick", "end")
    if dot.span is None:
        return [figure]
    value, low, high = (page.x(end) for end in dot.span)
    shapes = [element("title", dot.words)]
    reach = "whisker" if dot.base is None else "whisker dark"
    if dot.base is not None:
        start = page.x(dot.base)
        shapes.append(
            rectangle(min(start, value), y - 5, max(1.2, abs(value - start)), 10, dot.style)
        )
    shapes.append(line(low, y, high, y, reach))
    shapes += [line(end, y - 3.5, end, y + 3.5, reach) for end in (low, high)]
    if dot.base is None:
        shapes.append(mark(dot.shape, value, y, 4.6, dot.style))
    return [element("g", *shapes, class_="aside" if aside else "told"), figure]


def _axis(page: Page, top: float, bottom: float, words: str, sign: bool) -> list[Markup]:
    low, high = page.x.low, page.x.high
    values = ticks(low, high, 4 if page.narrow else 5)
    values = [value for value in values if low - 1e-9 <= value <= high + 1e-9]
    form = _points if sign else _percent
    digits = digits_for([100 * value for value in values])
    shapes = []
    for value in values:
        at = page.x(value)
        shapes.append(line(at, top, at, bottom, "axis" if abs(value) < 1e-9 else "grid"))
        shapes.append(text(at, bottom + 16, form(value, digits), "tick", "middle"))
    right = page.x.end if not page.narrow else page.width
    return [*shapes, text(right, bottom + 36, words, "axis-title", "end")]


def _percent(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f}%".replace("-", MINUS)


def _points(value: float, digits: int) -> str:
    return signed(100 * value, digits)


# ---- the frontier -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """Rules that decide alike: how unequal, how accurate, at how many forward passes a decision."""

    rules: tuple[str, ...]
    gap: Span
    accuracy: Span
    passes: float
    audited: bool
    words: str

    @property
    def label(self) -> str:
        each = f"{self.passes:.1f}".removesuffix(".0")
        names = ", ".join(self.rules).replace("none", "as it stands")
        return f"{names} · {each}×"

    @property
    def style(self) -> str:
        return "start" if "none" in self.rules else "neurons" if self.audited else "layer"


Box = tuple[float, float, float, float]


def frontier_chart(spots: Sequence[Spot], width: float, identity: str, style: str) -> Markup:
    """Rules by how unequal and how accurate their decisions are. Up and to the left is better."""
    left, right, top, bottom = 46.0, width - 10.0, 30.0, 330.0 if width > TELEPHONE else 300.0
    x = _scale([end for s in spots for end in s.gap], left + 14, right, floor=True)
    y = _scale([end for s in spots for end in s.accuracy], bottom - 8, top + 6, floor=False)
    shapes = [text(0, 12, "↑ Accuracy", "axis-title")]
    shapes += _grid(x, y, left, right, top, bottom, width)
    ordered = sorted(spots, key=lambda spot: -spot.passes)
    for spot in ordered:
        shapes += _whiskers(spot, x, y)
    taken: list[Box] = []
    whiskers = [box for spot in spots for box in _reach(spot, x, y)]
    for spot in ordered:
        r = _radius(spot)
        at, height = x(spot.gap[0]), y(spot.accuracy[0])
        dot = mark("circle", at, height, r, f"{spot.style} rule")
        shapes.append(element("g", element("title", spot.words), dot))
        taken.append((at - r, height - r, at + r, height + r))
    for spot in ordered:
        shapes.append(_label(spot, x, y, right, taken, whiskers))
    about = " ".join(spot.words for spot in spots)
    return drawing(
        identity, style, width, bottom + 44,
        "Accuracy against demographic parity difference, rule by rule", about, *shapes,
    )  # fmt: skip


def _radius(spot: Spot) -> float:
    """It grows with the forward passes."""
    return min(11.0, 2.8 + 2.4 * math.sqrt(max(1.0, spot.passes)))


def _scale(values: Sequence[float], start: float, end: float, floor: bool) -> Scale:
    low, high = min(values), max(values)
    room = max(0.01, 0.05 * (high - low))
    if floor:
        marks = ticks(0.0, max(0.02, high), 5)
    else:
        marks = ticks(max(0.0, low - room), min(1.0, high + room), 5)
    return Scale(marks[0], marks[-1], start, end)


def _grid(
    x: Scale, y: Scale, left: float, right: float, top: float, bottom: float, width: float
) -> list[Markup]:
    shapes = []
    across, up = ticks(x.low, x.high, 4 if width < TELEPHONE else 6), ticks(y.low, y.high, 4)
    across_digits, up_digits = (digits_for([100 * v for v in values]) for values in (across, up))
    for value in up:
        if y.low - 1e-9 <= value <= y.high + 1e-9:
            shapes.append(line(left, y(value), right, y(value), "grid"))
            words = _percent(value, up_digits)
            shapes.append(text(left - 8, y(value) + 4, words, "tick", "end"))
    for value in across:
        if x.low - 1e-9 <= value <= x.high + 1e-9:
            shapes.append(line(x(value), bottom, x(value), bottom + 5, "axis"))
            words = f"{100 * value:.{across_digits}f}"
            shapes.append(text(x(value), bottom + 18, words, "tick", "middle"))
    shapes.append(line(left, bottom, right, bottom, "axis"))
    shapes.append(text(left, bottom + 38, "← Gap between groups, points", "axis-title"))
    return shapes


def _whiskers(spot: Spot, x: Scale, y: Scale) -> list[Markup]:
    at, height = x(spot.gap[0]), y(spot.accuracy[0])
    style = f"whisker {spot.style}-whisker"
    return [
        line(x(spot.gap[1]), height, x(spot.gap[2]), height, style),
        line(at, y(spot.accuracy[1]), at, y(spot.accuracy[2]), style),
    ]


def _label(
    spot: Spot, x: Scale, y: Scale, right: float, taken: list[Box], whiskers: list[Box]
) -> Markup:
    """A label in the first place beside its mark where nothing else is written."""
    wide = 6.5 * len(spot.label) + 4
    at, height, r = x(spot.gap[0]), y(spot.accuracy[0]), _radius(spot)
    places: list[Callable[[float], tuple[float, float]]] = [
        lambda lift: (at + r * 0.75 + 4, height - r * 0.75 - 3 - lift),
        lambda lift: (at + r * 0.75 + 4, height + r * 0.75 + 12 + lift),
        lambda lift: (at - r * 0.75 - 4 - wide, height - r * 0.75 - 3 - lift),
        lambda lift: (at - r * 0.75 - 4 - wide, height + r * 0.75 + 12 + lift),
    ]
    tried = [place(16.0 * step) for step in range(6) for place in places]
    fitting = [(px, py) for px, py in tried if px >= x.start - 12 and px + wide <= right + 6]
    fitting = fitting or [(max(0.0, right - wide), height - r - 4)]
    free = [place for place in fitting if not _touches(_box(place, wide), taken)]
    clear = [place for place in free[:10] if not _touches(_box(place, wide), whiskers)]
    px, py = (clear or free or fitting)[0]
    taken.append(_box((px, py), wide))
    style = "spot strong" if spot.audited or "none" in spot.rules else "spot"
    back = rectangle(px - 2, py - 11, wide, 14, "back")
    return element("g", back, text(px, py, spot.label, style))


def _reach(spot: Spot, x: Scale, y: Scale) -> list[Box]:
    at, height = x(spot.gap[0]), y(spot.accuracy[0])
    return [
        (x(spot.gap[1]), height - 1, x(spot.gap[2]), height + 1),
        (at - 1, y(spot.accuracy[2]), at + 1, y(spot.accuracy[1])),
    ]


def _box(place: tuple[float, float], wide: float) -> Box:
    return place[0], place[1] - 11, place[0] + wide, place[1] + 3


def _touches(box: Box, taken: Sequence[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in taken
    )
