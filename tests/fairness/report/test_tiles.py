"""The key numbers: no number is shown that was not asked for."""

from __future__ import annotations

from leanfair.fairness.report.tiles import tiles
from tests.support.audits import audited


def test_without_a_label_there_is_no_accuracy_and_without_a_model_no_pass() -> None:
    found = {tile.label: tile for tile in tiles(audited("recorded"))}
    assert found["Accuracy"].change == "not asked"
    assert found["Passes per decision"].change == "none"
    assert found["Parity gap"].change.endswith("20.0")


def test_before_and_after_stand_side_by_side() -> None:
    found = {tile.label: tile for tile in tiles(audited("mitigated"))}
    assert found["Accuracy, points"].before
    assert found["Accuracy, points"].after
