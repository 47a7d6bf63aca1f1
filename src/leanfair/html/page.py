"""What the pages of both halves are made with: templates, and pictures for two widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

WIDTHS = {"wide": 880.0, "narrow": 350.0}
"""Every chart is drawn twice, for a desk and for a telephone; the style sheet shows one."""


@cache
def environment(room: str) -> Environment:
    """The templates in the package `room` and those here; whatever they are filled with is
    escaped."""
    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader(package, package_path="") for package in (room, __package__)]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = breakable
    return made


def breakable(words: str) -> Markup:
    """Text, escaped, that may be broken after a slash: paths are long."""
    return Markup(str(escape(words)).replace("/", "/<wbr>"))


def twice(
    draw: Callable[[Any, float, str, str], Markup | None], about: Any, identity: str
) -> Sequence[Markup]:
    """A picture for a desk and for a telephone; none where there is nothing to draw."""
    made = [draw(about, width, f"{identity}-{name}", name) for name, width in WIDTHS.items()]
    return [chart for chart in made if chart is not None]


@dataclass(frozen=True)
class Tile:
    """A key number. `change` is what happened to it, in large letters; `note` says why it is
    missing, or on what it was measured."""

    label: str
    change: str
    before: str = ""
    after: str = ""
    note: str = ""
