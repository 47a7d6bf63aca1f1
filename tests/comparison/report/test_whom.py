"""Whom pruning touched, on the page."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from leanfair.comparison.report.page import render
from leanfair.comparison.report.whom import p_value, signed, size, tiles, view
from leanfair.comparison.schema.summary import Summary
from tests.support.pages import EVIL, Page
from tests.support.pairs import small_comparison
from tests.support.sides import section


def summary(**given: Any) -> Summary:
    found = deepcopy(small_comparison().summary)
    found["whom"] = deepcopy(section(**given))
    return found


def test_the_sentence_and_the_tables_are_on_the_page() -> None:
    found = summary()
    page = Page(render(found))
    assert found["whom"] is not None
    assert "Whom pruning touched" in page.all("h2")
    titles = page.all("h3")
    assert "Whom each favours when only the stated race changes" in titles
    assert "Favourable decisions, by race" in titles
    assert found["whom"]["sentence"] in page.all("strong")


def test_the_tile_tells_the_largest_change_of_favour() -> None:
    found = summary(against="black", by=0.2)
    (tile,) = tiles(found)
    assert tile.label.startswith("Favour of “")
    found["whom"]["values"] = []  # type: ignore[index]
    assert "to the rest" in tiles(found)[0].change


def test_what_was_not_asked_is_not_shown() -> None:
    found = deepcopy(small_comparison().summary)
    found["whom"] = None
    assert view(found) is None
    assert tiles(found) == []


def test_no_text_gets_through_unescaped() -> None:
    found = summary()
    assert found["whom"] is not None
    found["whom"]["sentence"] = found["whom"]["multiplicity"] = EVIL
    found["whom"]["notes"] = [EVIL]
    found["whom"]["values"][0]["value"] = EVIL
    groups = found["whom"]["groupings"][0]["groups"]
    groups[EVIL] = next(iter(groups.values()))
    found["whom"]["groupings"][0]["name"] = EVIL
    assert EVIL not in render(found)
    assert "<script" not in render(found)


def test_what_is_not_known_is_a_dash() -> None:
    assert signed(None) == size(None) == p_value(None)
    assert (signed(-0.123), size(0.123), p_value(0.0001)) == ("−12.3", "12.3", "< 0.001")
