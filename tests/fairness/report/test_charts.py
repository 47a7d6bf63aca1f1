"""The pictures of an audit tell every number, wherever there is room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leanfair.fairness.report.charts import Dot, Row, Spot, frontier_chart, rows_chart
from tests.support.pages import EVIL, Page

DOT = Dot((0.3, 0.2, 0.4), "30.0% (20.0 to 40.0)", "30.0%")
SPOT = Spot(("none",), (0.2, 0.1, 0.3), (0.8, 0.7, 0.9), 1.0, False, "As it stands.")


def rows(*found: Row, width: float = 800.0) -> Page:
    chart = rows_chart(found, width, "one", "rows", title="Title", about="About", axis="Share")
    page = Page(chart)
    assert len(page.drawings) == 1
    return page


@pytest.mark.parametrize(("width", "told"), [(800.0, DOT.words), (360.0, DOT.brief)])
def test_a_row_tells_its_number_in_the_words_that_there_is_room_for(
    width: float, told: str
) -> None:
    page = rows(Row("black", (DOT,)), Row(EVIL, (DOT,)), width=width)
    assert page.all("text", class_="figure") == [told, told]


def test_where_nothing_can_be_said_there_are_words_and_no_mark() -> None:
    unknown = replace(DOT, span=None, words="nobody", brief="nobody")
    page = rows(Row("black", (unknown,)))
    assert "nobody" in page.all("text")
    assert not page.all("line", class_="whisker")
    assert len(rows(Row("black", (DOT,))).all("line", class_="whisker")) == 3


def test_rules_of_the_frontier_are_each_named_with_their_passes() -> None:
    mean = Spot(("mean", "median"), (0.1, 0.05, 0.15), (0.8, 0.7, 0.9), 2.5, True, "The mean.")
    page = Page(frontier_chart([SPOT, mean], 800.0, "one", "frontier"))
    assert len(page.drawings) == 1
    labels = page.all("text", class_="spot")
    assert sorted(labels) == ["as it stands · 1×", "mean, median · 2.5×"]


def test_labels_of_rules_that_lie_together_do_not_touch() -> None:
    spots = [replace(SPOT, rules=(name,)) for name in ("none", "mean", "median", "blind")]
    (drawn,) = Page(frontier_chart(spots, 800.0, "one", "frontier")).drawings
    found = [one for one in drawn.iter() if "spot" in one.get("class", "").split()]
    heights = sorted(float(one.attrib["y"]) for one in found)
    assert len({(one.attrib["x"], one.attrib["y"]) for one in found}) == len(spots) == len(heights)
