"""The rounds of a run as a picture: quality against the cost removed, and the similarity that each
choice was made on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from leanfair.html.formats import percent
from leanfair.html.svg import (
    Scale,
    digits_for,
    drawing,
    element,
    line,
    mark,
    path,
    spread,
    text,
    ticks,
)
from leanfair.pruning.report.quality import ACCURACY, Quality, roomy

SHAPES = {"layer": "square", "neurons": "circle"}


@dataclass(frozen=True)
class Round:
    """One round: what was chosen, both similarities, and what is left after it. `words` is all of
    it in one sentence."""

    index: int
    chosen: str
    layer: float | None
    neurons: float | None
    removed: float
    quality: float | None
    words: str

    @property
    def similarities(self) -> Iterator[tuple[str, float]]:
        """The kinds of candidates that there were, with their similarity."""
        for kind, value in (("layer", self.layer), ("neurons", self.neurons)):
            if value is not None:
                yield kind, value


@dataclass(frozen=True)
class Journey:
    """A run from its parent to its last network. `calibration` and `test` are its `quality` before
    and after; `counted` is the cost of which shares are shown, and `target` the share of it to
    remove, where the target is on that."""

    rounds: tuple[Round, ...]
    calibration: tuple[float, float] | None
    test: tuple[float, float] | None
    target: float | None
    quality: Quality = ACCURACY
    counted: str = "MACs"

    @property
    def measured(self) -> bool:
        """Whether the quality along the way is known."""
        return any(each.quality is not None for each in self.rounds)


@dataclass(frozen=True)
class Frame:
    """Where things are: the pixels of the picture, and the horizontal scale."""

    width: float
    left: float
    right: float
    x: Scale
    radius: float


def rounds_chart(journey: Journey, width: float, identity: str, style: str) -> Markup:
    """The picture, `width` pixels wide. `identity` is unique in the page; `style` is its class."""
    frame = _frame(journey, width)
    shapes: list[Markup] = []
    top = 0.0
    if journey.measured:
        shapes += _quality_panel(journey, frame, 40, 250)
        top = 262
    shapes.append(_round_numbers(journey, frame, top + 14))
    low, high = top + 68, top + 208
    shapes += _similarity_panel(journey, frame, low, high)
    shapes += _axis(frame, high, journey.counted)
    shapes += _columns(journey, frame, 24 if journey.measured else 20, high)
    title = f"{journey.quality.name.capitalize()} and CKA" if journey.measured else "CKA"
    return drawing(
        identity, style, width, high + 46,
        f"{title} against {journey.counted} removed, {len(journey.rounds)} rounds",
        f"{journey.rounds[-1].words} The table of rounds has the numbers of all of them.",
        *shapes,
    )  # fmt: skip


def _frame(journey: Journey, width: float) -> Frame:
    furthest = max(0.02, *(each.removed for each in journey.rounds), journey.target or 0.0)
    gutter = 66.0 if journey.measured else 20.0
    left, right = 48.0, width - 4.0
    x = Scale(0.0, furthest, left + gutter, right - gutter)
    places = [x(0.0), *(x(each.removed) for each in journey.rounds)]
    gaps = sorted(abs(after - before) for before, after in pairwise(places))
    crowded = gaps[len(gaps) // 4]
    return Frame(width, left, right, x, radius=min(5.5, max(2.6, crowded / 2.4)))


def _quality_panel(journey: Journey, frame: Frame, top: float, bottom: float) -> list[Markup]:
    known = [each.quality for each in journey.rounds if each.quality is not None]
    known += [*(journey.calibration or ()), *(journey.test or ())]
    y = journey.quality.scale(known, top, bottom)
    name = journey.quality.name.capitalize()
    shapes = [text(0, 12, f"{name} on calibration data, after each round", "axis-title")]
    shapes += _grid(frame, y, journey.quality.ticks)
    shapes += _target(journey, frame, top, bottom)
    done = [
        (frame.x(each.removed), y(each.quality), each)
        for each in journey.rounds
        if each.quality is not None
    ]
    route = [(frame.x(0.0), y(journey.calibration[0]))] if journey.calibration else []
    route += [(x, height) for x, height, _ in done]
    shapes.append(element("polyline", points=path(route), class_="route"))
    shapes += [mark(SHAPES[e.chosen], x, h, frame.radius, e.chosen) for x, h, e in done]
    return shapes + _ends(journey, frame, y, done[-1][1])


def _ends(journey: Journey, frame: Frame, y: Scale, last: float) -> list[Markup]:
    """The first and the last network: on calibration data a ring, on test data a diamond."""
    shapes: list[Markup] = []
    size = max(4.5, frame.radius)
    for side, x in ((0, frame.x(0.0)), (1, frame.x(journey.rounds[-1].removed))):
        found = [
            (kind, pair[side], y(pair[side]))
            for kind, pair in (("start", journey.calibration), ("test", journey.test))
            if pair is not None
        ]
        anchor, shift = ("end", -10.0) if side == 0 else ("start", 10.0)
        heights = [height for _, _, height in found]
        places = spread(heights, 14)
        there = [height for kind, _, height in found if kind == "start"] + [last] * side
        tested = [height for kind, _, height in found if kind == "test"]
        crowded = any(abs(a - b) < 2.2 * size for a in tested for b in there)
        aside = (-2.4 if side == 0 else 2.4) * size if crowded else 0.0
        for (kind, value, height), place in zip(found, places, strict=True):
            style = f"{kind}-label label"
            words = journey.quality.label(value)
            shapes.append(text(x + shift + aside, place + 4, words, style, anchor))
            if kind == "start" and side == 1:
                if abs(height - last) < 2.5:
                    continue  # no fine-tuning after the last round, whose own mark is here
                shapes.append(line(x, last, x, height, "lift"))
            shape = "circle" if kind == "start" else "diamond"
            shapes.append(mark(shape, x + (aside if kind == "test" else 0), height, size, kind))
    return shapes


def _similarity_panel(journey: Journey, frame: Frame, top: float, bottom: float) -> list[Markup]:
    known = [value for each in journey.rounds for _, value in each.similarities]
    y = roomy(known or [0.0, 1.0], top, bottom, least=0.002)
    shapes = [text(0, top - 20, "CKA to the parent of the round", "axis-title")]
    shapes += _grid(frame, y, _plain)
    dodge = min(4.0, frame.radius * 0.8)
    for each in journey.rounds:
        x = frame.x(each.removed)
        spots = {
            kind: (x + (dodge if kind == "neurons" else -dodge), y(value))
            for kind, value in each.similarities
        }
        if len(spots) == 2:
            shapes.append(line(*spots["layer"], *spots["neurons"], "link"))
        for kind, (across, height) in spots.items():
            style = kind if kind == each.chosen else f"{kind} lost"
            shapes.append(mark(SHAPES[kind], across, height, frame.radius * 0.86, style))
    return shapes


def _round_numbers(journey: Journey, frame: Frame, y: float) -> Markup:
    """A row of round numbers, of which so many are left out that they do not touch."""
    places = [(each.index, frame.x(each.removed)) for each in journey.rounds]
    for stride in (1, 2, 5, 10, 20, 50, 100):
        shown = [(index, x) for index, x in places if index % stride == 0]
        if all(b[1] - a[1] >= 18 for a, b in pairwise(shown)):
            break
    numbers = [text(x, y, str(index), "tick", "middle") for index, x in shown]
    return element("g", text(0, y, "Round", "tick"), *numbers)


def _axis(frame: Frame, bottom: float, counted: str) -> list[Markup]:
    high = frame.x.high
    values = [v for v in ticks(0.0, high, int(max(4, frame.width / 130))) if v <= high * 1.001]
    digits = digits_for([100 * value for value in values])
    shapes = [line(frame.left, bottom, frame.right, bottom, "axis")]
    for value in values:
        x = frame.x(value)
        shapes.append(line(x, bottom, x, bottom + 5, "axis"))
        shapes.append(text(x, bottom + 18, percent(value, digits), "tick", "middle"))
    shapes.append(text(frame.right, bottom + 38, f"{counted} removed →", "axis-title", "end"))
    return shapes


def _columns(journey: Journey, frame: Frame, top: float, bottom: float) -> list[Markup]:
    """An unseen column a round, so that pointing anywhere near a mark tells its numbers."""
    places = [frame.x(each.removed) for each in journey.rounds]
    edges = [(a + b) / 2 for a, b in pairwise(places)]
    starts, ends = [places[0] - 12, *edges], [*edges, places[-1] + 12]
    return [
        element(
            "rect", element("title", each.words), class_="hit",
            x=a, y=top, width=max(1.0, b - a), height=bottom - top, data_round=str(each.index),
        )
        for each, a, b in zip(journey.rounds, starts, ends, strict=True)
    ]  # fmt: skip


def _target(journey: Journey, frame: Frame, top: float, bottom: float) -> list[Markup]:
    if journey.target is None:
        return []
    x = frame.x(journey.target)
    side = "end" if x > frame.width / 2 else "start"
    words = f"target {percent(journey.target, 0 if round(journey.target * 100, 6) % 1 == 0 else 1)}"
    shift = -5 if side == "end" else 5
    return [
        line(x, top - 12, x, bottom, "target"),
        text(x + shift, top - 4, words, "tick", side),
    ]


def _grid(frame: Frame, y: Scale, words: Callable[[list[float]], list[str]]) -> list[Markup]:
    values = y.ticks(4)
    shapes = []
    for value, told in zip(values, words(values), strict=True):
        shapes.append(line(frame.left, y(value), frame.right, y(value), "grid"))
        shapes.append(text(frame.left - 8, y(value) + 4, told, "tick", "end"))
    return shapes


def _plain(values: list[float]) -> list[str]:
    digits = digits_for(values)
    return [f"{value:.{digits}f}" for value in values]
