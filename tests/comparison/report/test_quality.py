"""Quality on the page."""

from __future__ import annotations

from copy import deepcopy

from leanfair.comparison.report.quality import tiles, view
from tests.support.pairs import small_comparison


def test_the_tile_tells_the_accuracy() -> None:
    (tile,) = tiles(small_comparison().summary)
    assert tile.label == "Accuracy, points"
    assert tile.before.endswith("%")


def test_what_was_not_measured_is_unknown() -> None:
    summary = deepcopy(small_comparison().summary)
    summary["quality"] = None
    assert view(summary) is None
    assert tiles(summary)[0].change == "unknown"
