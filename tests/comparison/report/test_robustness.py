"""Robustness on the page."""

from __future__ import annotations

from copy import deepcopy

from leanfair.comparison.report.page import render
from leanfair.comparison.report.robustness import tiles, view
from tests.support.robust import robust_comparison


def test_the_page_shows_claims_charts_checks_and_every_row() -> None:
    summary = robust_comparison().summary
    page = render(summary)
    section = summary["robustness"]
    assert section is not None
    for claim in section["claims"]:
        assert claim["verdict"] in page
    assert "Can the gradients be believed?" in page
    assert page.count("attacks-wide-title") == 2
    assert "corruptions-narrow-title" in page
    assert "&lt;again&gt;" in page
    assert "<again>" not in page
    assert "16/255" in page
    labels = [tile.label for tile in tiles(summary)]
    assert labels == ["Under attack, points", "Corrupted, points"]


def test_masked_gradients_and_what_is_missing_are_told() -> None:
    summary = deepcopy(robust_comparison().summary)
    section = summary["robustness"]
    assert section is not None
    assert section["attacks"] is not None
    section["attacks"]["trusted"] = False
    assert "robustness cannot be read from these numbers" in render(summary)
    assert tiles(summary)[0].note == "gradients may be masked"
    section["attacks"], section["attacks_missing"] = None, "<b> does not differentiate"
    section["corruptions"], section["corruptions_missing"] = None, "not asked for"
    page = render(summary)
    assert "Attacks were not measured: &lt;b&gt; does not differentiate." in page
    assert tiles(summary) == []
    summary["robustness"] = None
    assert view(summary) is None
    assert 'id="robustness"' not in render(summary)
