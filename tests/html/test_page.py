"""What pages are made with: templates that escape, and pictures for two widths."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from leanfair.html.page import WIDTHS, breakable, environment, twice

ROOMS = ["leanfair.pruning.report", "leanfair.fairness.report"]


@pytest.mark.parametrize("room", ROOMS)
def test_whatever_a_template_is_filled_with_is_escaped_and_nothing_may_lack(room: str) -> None:
    made = environment(room)
    assert made.from_string("{{ a }}").render(a="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        made.from_string("{{ a }}").render()


@pytest.mark.parametrize("room", ROOMS)
def test_each_wing_finds_its_own_template_and_the_common_ones(room: str) -> None:
    names = environment(room).list_templates()
    assert {"base.html.j2", "page.css"} <= set(names)
    assert len([name for name in names if name.endswith(".html.j2")]) >= 3


def test_paths_may_be_broken_after_a_slash_and_are_escaped() -> None:
    assert breakable("a/<b>") == "a/<wbr>&lt;b&gt;"


def test_a_picture_is_drawn_for_each_width_under_its_own_name() -> None:
    def draw(about: str, width: float, identity: str, name: str) -> Markup | None:
        return None if about == "nothing" else Markup(f"{identity} {width:.0f} {name}")

    assert list(twice(draw, "x", "chart")) == [
        f"chart-{name} {width:.0f} {name}" for name, width in WIDTHS.items()
    ]
    assert twice(draw, "nothing", "chart") == []
