"""Drawing in SVG: elements whose every text is escaped, scales, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape


def element(name: str, *children: str, **attributes: str | float) -> Markup:
    """An SVG element. Children that are plain text are escaped; `class_` is class, and an
    underscore in a name is a hyphen."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
    )
    inside = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")


def drawing(
    identity: str, style: str, width: float, height: float, title: str, about: str, *shapes: str
) -> Markup:
    """A whole picture with a name and a description for those who do not see it."""
    return element(
        "svg",
        element("title", title, id=f"{identity}-title"),
        element("desc", about, id=f"{identity}-desc"),
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        class_=style,
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
    )


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> Markup:
    """A line of text."""
    return element("text", words, x=x, y=y, class_=style or "label", text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=style)


def rectangle(x: float, y: float, width: float, height: float, style: str) -> Markup:
    """A box with slightly rounded corners."""
    return element("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=style)


def mark(shape: str, x: float, y: float, radius: float, style: str) -> Markup:
    """A mark of about the same weight in every shape: square, circle or diamond."""
    if shape == "circle":
        return element("circle", cx=x, cy=y, r=radius * 1.08, class_=style)
    if shape == "square":
        return element(
            "rect", x=x - radius, y=y - radius, width=2 * radius, height=2 * radius, class_=style
        )
    far = radius * 1.4
    corners = ((x, y - far), (x + far, y), (x, y + far), (x - far, y))
    return element("polygon", points=path(corners), class_=style)


def path(points: Iterable[tuple[float, float]]) -> str:
    """Points as the attribute of a polyline."""
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


@dataclass(frozen=True)
class Scale:
    """From values in [low, high] to positions between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int) -> list[float]:
        """Round numbers within the scale, about so many."""
        near = 1e-9 * max(1.0, abs(self.high))
        found = ticks(self.low, self.high, about)
        return [value for value in found if self.low - near <= value <= self.high + near]


@dataclass(frozen=True)
class LogScale(Scale):
    """A scale on which equal ratios are equally far apart; `low` is above 0."""

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found: list[float] = []
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [m * 10.0**power for power in range(first, last + 1) for m in factors]
            found = [value for value in values if self.low <= value <= self.high]
            if len(found) <= 2 * about:
                return found
        return found[:: math.ceil(len(found) / (2 * about))]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that span [low, high], at most a step beyond it on either side."""
    step = _step((high - low) / max(1, about))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def digits_for(values: list[float]) -> int:
    """Digits after the point that tell evenly spaced ticks apart."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    for digits in range(6):
        if all(abs(value - round(value, digits)) < step * 1e-6 for value in values):
            return digits
    return 6


def spread(positions: list[float], gap: float) -> list[float]:
    """Positions of labels, moved apart as little as keeps them `gap` from each other, in the order
    of `positions`: the nearest by least squares.

    Without what the gaps before it take, each position must not be below the one before: isotonic
    regression, by pooling adjacent violators.
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    pools: list[tuple[float, int]] = []  # the mean of neighbours that touch, and how many they are
    for rank, index in enumerate(order):
        mean, count = positions[index] - rank * gap, 1
        while pools and pools[-1][0] > mean:
            before, more = pools.pop()
            mean, count = (mean * count + before * more) / (count + more), count + more
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    placed = list(positions)
    for rank, index in enumerate(order):
        placed[index] = means[rank] + rank * gap
    return placed


def shortened(words: str, width: float, size: float = 6.4) -> str:
    """`words`, cut in the front where they take more than `width` at about `size` a letter."""
    room = max(2, int(width / size))
    return words if len(words) <= room else f"…{words[1 - room :]}"


def _step(raw: float) -> float:
    """The nearest step above `raw` of the kind 1, 2, 5, 10, ..."""
    if raw <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5, 10):
        if factor * power >= raw * (1 - 1e-9):
            return factor * power
    return 10 * power


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
