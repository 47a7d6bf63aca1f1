"""Which numbers go into which picture."""

from __future__ import annotations

from typing import Any

from leanfair.fairness.report import story, views
from tests.support.audits import audited, derived


def test_rules_that_decide_alike_share_a_mark() -> None:
    def alike(summary: Any) -> None:
        for metrics in (summary["groupings"][0]["metrics"], summary["metrics"]):
            for name in ("demographic_parity_difference", "accuracy"):
                if name in metrics:
                    metrics[name]["vote"] = metrics[name]["mean"]

    summary = derived("all rules", alike)
    found = views.spots(summary, summary["groupings"][0])
    assert ("mean", "vote") in [spot.rules[:2] for spot in found]


def test_the_greatest_pairs_are_drawn() -> None:
    summary = audited("many values")
    drawn = views.pairs_chart((summary, story.favours(summary)), 880, "pairs", "wide")
    assert drawn is not None
    assert drawn.count("→") >= 10


def test_nothing_is_drawn_of_nothing() -> None:
    summary = audited("silent")
    assert views.rates_chart(summary, 880, "rates", "wide") is None
    assert views.groups_chart((summary, summary["groupings"][0], None), 880, "g", "wide") is None
    assert views.frontier((summary, summary["groupings"][0]), 880, "f", "wide") is None
