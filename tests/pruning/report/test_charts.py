"""The picture of the rounds: every round can be pointed at, what is unknown is not shown."""

from __future__ import annotations

from itertools import pairwise

import pytest

from leanfair.pruning.report.charts import Journey, rounds_chart
from leanfair.pruning.report.tables import journey
from tests.support.pages import Page
from tests.support.summaries import longer, missed, produced, without_labels


def drawn(found: Journey, width: float = 900.0) -> Page:
    page = Page(rounds_chart(found, width, "one", "rounds"))
    assert len(page.drawings) == 1
    return page


@pytest.mark.parametrize("rounds", [1, 7, 60])
def test_every_round_can_be_pointed_at(rounds: int) -> None:
    found = journey(longer(produced("images"), rounds))
    page = drawn(found)
    assert page.all("rect", class_="hit") == [
        each.words.replace("\xa0", " ") for each in found.rounds
    ]


def test_round_numbers_do_not_touch() -> None:
    page = drawn(journey(longer(produced("images"), 60)), width=360.0)
    places = [
        float(one.attrib["x"])
        for group in page.drawings[0].iter()
        for one in list(group)[1:]
        if len(group) > 1 and group[0].text == "Round"
    ]
    assert places
    assert all(b - a >= 18 for a, b in pairwise(places))


def test_without_labels_there_is_no_panel_of_quality() -> None:
    labelled, bare = journey(produced("images")), journey(without_labels(produced("images")))
    assert len(drawn(labelled).all("polyline", class_="route")) == 1
    assert not drawn(bare).all("polyline", class_="route")
    assert drawn(bare).all("title")[0].startswith("CKA against MACs removed")


def test_the_target_is_shown_as_asked() -> None:
    page = drawn(journey(missed(produced("images"), 0.9)))
    assert "target 90%" in page.all("text")
