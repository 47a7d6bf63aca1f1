"""How well a network does: in the measure that the run took, and with a reason where unknown."""

from __future__ import annotations

import pytest

from leanfair.pruning.report.measures import quality_of
from leanfair.pruning.report.quality import ACCURACY, PERPLEXITY, missing, note, pair, roomy
from tests.support.summaries import produced, without_labels


def test_a_run_is_told_by_the_measure_that_it_took() -> None:
    assert quality_of(produced("images")) is ACCURACY
    assert quality_of(produced("language")) is PERPLEXITY


@pytest.mark.parametrize("kind", ["images", "language"])
def test_the_note_says_how_many_samples_were_tested_or_why_none_were(kind: str) -> None:
    found = produced(kind)
    assert f" is on {found['data']['test']} test samples" in note(quality_of(found), found)
    bare = without_labels(found)
    assert note(quality_of(bare), bare).endswith("is unknown: there were no test data.")
    assert missing(bare) == "no test data"
    assert quality_of(bare).trust(bare) == ""


@pytest.mark.parametrize(
    ("pair_of", "told"),
    [
        ((0.9, 0.9), "kept its"),
        ((0.9, 0.8), "lost 10.00 points"),
        ((0.8, 0.9), "gained 10.00 points"),
    ],
)
def test_the_outcome_has_the_direction_of_the_change(
    pair_of: tuple[float, float], told: str
) -> None:
    assert told in ACCURACY.outcome(pair_of, "and lost")


def test_a_perplexity_rises_or_falls() -> None:
    assert "rose from" in PERPLEXITY.outcome((10.0, 12.0), "and")
    assert "fell from" in PERPLEXITY.outcome((12.0, 10.0), "and")
    assert pair(None) is None


def test_a_scale_has_room_around_what_it_shows_but_none_beyond_its_limits() -> None:
    scale = roomy([0.5, 0.9999], top=0.0, bottom=100.0, least=0.01)
    assert scale.high == 1.0
    assert scale.low < 0.5
    assert roomy([0.5], 0.0, 100.0, least=0.2).high == pytest.approx(0.6)
