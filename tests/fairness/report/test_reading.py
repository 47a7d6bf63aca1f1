"""The head of the page says how far the table was understood."""

from __future__ import annotations

import copy

from leanfair.fairness.report import story
from leanfair.fairness.report.reading import answering, unread_clause, varied_tiles
from leanfair.fairness.schema import Summary
from tests.support.audits import audited


def half_read(share: float) -> Summary:
    """The summary of an audit of which a share of the rows is half understood."""
    summary = copy.deepcopy(audited("all rules"))
    coverage = summary["coverage"]
    assert coverage is not None
    coverage["half_understood"] = round(share * coverage["rows"])
    coverage["varied"] = coverage["rows"] - coverage["half_understood"]
    coverage["unread_share"] = share
    return summary


def test_a_headline_speaks_of_rows_that_were_not_read_where_they_are_many() -> None:
    assert unread_clause(half_read(0.04)) == ""
    assert unread_clause(half_read(0.3)) == "; but 30.0% of the rows were only half understood"
    assert "30.0% of the rows were only half understood." in story.headline(half_read(0.3))


def test_a_tile_says_how_many_rows_were_varied_in_full() -> None:
    (tile,) = varied_tiles(half_read(0.25))
    assert (tile.label, tile.change) == ("Varied in full", "75.0%")
    assert "0 left alone" in tile.note
    assert "half understood" in tile.note
    assert varied_tiles(audited("no attribute")) == []


def test_who_is_answered_less_is_said_and_leads_where_nothing_else_is_known() -> None:
    told = answering(audited("shy of one group"))
    assert told.startswith("Groups by race are answered unequally often: “white” in ")
    assert "“black” in 0.0%" in told
    assert "Not being answered is an outcome" in told
    assert answering(audited("all rules")) == ""
    assert story.headline(audited("shy of one group")).startswith(("Groups by race", "Changing"))
