"""The measures besides accuracy and perplexity, and how single classes fared, in words."""

from __future__ import annotations

import pytest

from leanfair.html import formats as f
from leanfair.pruning.report import measures
from leanfair.pruning.report.measures import ERROR, SIMILARITY, quality_of
from leanfair.pruning.report.page import filled, render
from leanfair.pruning.report.quality import ACCURACY, note
from tests.support.summaries import produced


def test_a_regression_is_told_by_its_error() -> None:
    found = produced("regression")
    assert quality_of(found) is ERROR
    told = note(ERROR, found)
    assert told.startswith("Error is on 32 test samples")
    assert "95 % interval" in told
    assert "rose from 1 to 2" in ERROR.outcome((1.0, 2.0), "and")
    assert "fell from 2 to 1" in ERROR.outcome((2.0, 1.0), "and")
    assert "stayed 2" in ERROR.outcome((2.0, 2.0), "and")
    shown = render(found)
    assert "mean squared error" in shown
    assert "taken for numbers, as the labels show" in shown
    assert "ccurac" not in shown.replace("min_accuracy", "").replace("min_class_accuracy", "")


def test_a_representation_is_told_by_its_similarity() -> None:
    found = produced("embedding")
    assert quality_of(found) is SIMILARITY
    assert "rank correlation of" in note(SIMILARITY, found)
    assert "has a cosine of 0.9000" in SIMILARITY.outcome((1.0, 0.9), "and")
    shown = render(found)
    assert "a representation of the inputs" in shown
    assert "Similarities along the rounds" in shown


def test_the_class_that_lost_most_is_named_with_the_balanced_accuracy() -> None:
    found = produced("images")
    assert quality_of(found) is ACCURACY
    found["balanced_accuracy"] = {"before": 0.9, "after": 0.8}
    found["worst_class"] = {"name": "rare", "samples": 4, "before": 1.0, "after": 0.75}
    told = measures.classes(found)
    assert "from 90.00% to 80.00%" in told
    assert "rare: from 100.00% to 75.00% of its 4" in told
    rows = measures.class_rows(found)
    assert len(rows) == 4
    changes = [float(row[4].split()[0].replace("\u2212", "-")) for row in rows]
    assert changes == sorted(changes)
    assert "Class by class" in render(found)


@pytest.mark.parametrize(
    "later",
    ["problem", "classes", "worst_class", "balanced_accuracy", "error", "similarity_change"],
)
def test_a_run_that_an_older_version_finished_is_still_told(later: str) -> None:
    found = produced("images")
    del found[later]  # type: ignore[misc]
    for step in found["steps"]:
        del step["error"], step["similarity"]  # type: ignore[misc]
    assert filled(found)[later] is None  # type: ignore[literal-required]
    assert "<html" in render(found)


def test_what_every_version_wrote_has_to_be_there() -> None:
    found = produced("images")
    del found["macs"]  # type: ignore[misc]
    with pytest.raises(ValueError, match="lacks 'macs'"):
        render(found)


def test_numbers_of_any_size_have_four_digits() -> None:
    told = [measures.number(value) for value in (None, 0.123456, 12345.678)]
    assert told == [f.DASH, "0.1235", "1.235e+04"]
