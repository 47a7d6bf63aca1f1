"""Pictures of robustness: accuracy against the radius of attacks, and the difference under each
corruption at each severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from leanfair.html.formats import percent, points
from leanfair.html.svg import Scale, drawing, element, line, mark, path, rectangle, text

GAP = 40.0
HEIGHT = 190.0
STYLES = (("parent", "layer", "square"), ("child", "neurons", "circle"))
"""Each network: which it is, the class of its colour, and its mark."""


@dataclass(frozen=True)
class Curve:
    """Accuracies of one network with the ends of their own intervals, one for each radius."""

    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One kind of attack: its name, the radii as people write them, and both networks."""

    name: str
    radii: tuple[str, ...]
    parent: Curve
    child: Curve


def attack_chart(panels: Sequence[Panel], width: float, identity: str, style: str) -> Markup | None:
    """Accuracy against the radius: a panel for each attack, beside each other where there is
    room."""
    if not panels:
        return None
    beside = width > 500
    count = len(panels) if beside else 1
    wide = (width - GAP * (count - 1)) / count
    shapes: list[Markup] = []
    for number, panel in enumerate(panels):
        left = number * (wide + GAP) if beside else 0.0
        top = 0.0 if beside else number * (HEIGHT + 70)
        shapes += _panel(panel, left, top, wide)
    height = (HEIGHT + 60) if beside else len(panels) * (HEIGHT + 70)
    return drawing(
        identity, style, width, height, "Accuracy under attack, against the radius",
        "The table below the picture has the numbers.", *shapes,
    )  # fmt: skip


def _panel(panel: Panel, left: float, top: float, width: float) -> list[Markup]:
    x = Scale(0, max(1, len(panel.radii) - 1), left + 52, left + width - 12)
    y = Scale(0.0, 1.0, top + 26 + HEIGHT, top + 26)
    shapes = [text(left, top + 12, panel.name, "axis-title")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = y(share)
        shapes.append(line(left + 44, at, left + width, at, "axis" if not share else "grid"))
        shapes.append(text(left + 38, at + 4, percent(share, 0), "tick", "end"))
    for number, radius in enumerate(panel.radii):
        shapes.append(text(x(number), y(0.0) + 18, radius, "tick", "middle"))
    for which, kind, shape in STYLES:
        curve: Curve = getattr(panel, which)
        above = [(x(n), y(value)) for n, value in enumerate(curve.highs)]
        below = [(x(n), y(value)) for n, value in enumerate(curve.lows)]
        shapes.append(
            element(
                "polygon", points=path([*above, *below[::-1]]), class_=kind,
                fill_opacity=0.16, stroke="none", style="stroke:none",
            )
        )  # fmt: skip
        spots = [(x(n), y(value)) for n, value in enumerate(curve.values)]
        shapes.append(element("polyline", points=path(spots), class_=kind, style="fill:none"))
        shapes += [mark(shape, across, height, 4.0, kind) for across, height in spots]
    return shapes


@dataclass(frozen=True)
class Heat:
    """A row of the table of corruptions: its name, and at each severity the accuracy of both, the
    change in it and whether its interval leaves 0 out."""

    name: str
    cells: tuple[tuple[float, float, bool], ...]


def heat_chart(
    about: tuple[Sequence[Heat], Sequence[int]], width: float, identity: str, style: str
) -> Markup | None:
    """The change of accuracy under each corruption at each severity, in points: the child's colour
    where it is better, the parent's where that one is."""
    rows, severities = about
    if not rows:
        return None
    label = 150.0 if width > 500 else 132.0
    cell, tall = (width - label) / len(severities), 25.0
    most = max(0.01, *(abs(new - old) for row in rows for old, new, _ in row.cells))
    shapes = [text(0, 14, "Severity", "tick")]
    for place, severity in enumerate(severities):
        shapes.append(text(label + cell * (place + 0.5), 14, str(severity), "tick", "middle"))
    for number, row in enumerate(rows):
        top = 22 + tall * number
        shapes.append(text(0, top + 17, row.name, "row-label"))
        for place, (old, new, clear) in enumerate(row.cells):
            left = label + cell * place
            words = f"{row.name}, severity {severities[place]}: {percent(old)} to {percent(new)}"
            box = element(
                "rect", x=left + 1, y=top + 1, width=cell - 2, height=tall - 2,
                class_="neurons" if new > old else "layer",
                fill_opacity=0.06 + 0.6 * abs(new - old) / most, style="stroke:none",
            )  # fmt: skip
            said = text(
                left + cell / 2, top + 17, points(old, new), "count" if clear else "tick", "middle"
            )
            shapes.append(element("g", element("title", words), box, said))
    shapes.append(rectangle(0, 22 + tall * len(rows), 0, 0, "back"))
    return drawing(
        identity, style, width, 26 + tall * len(rows),
        "Change of accuracy under corruptions, in points",
        "Rows are corruptions, columns severities. Bold numbers have a 95 % interval without 0.",
        *shapes,
    )  # fmt: skip
