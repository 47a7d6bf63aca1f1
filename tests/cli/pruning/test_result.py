"""The table that a finished run prints."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from leanfair.cli.pruning.result import print_result
from leanfair.pruning.schema import Summary
from tests.support.summaries import produced


def printed(found: Summary) -> str:
    file = StringIO()
    print_result(Console(file=file, width=120), found, "runs/one/")
    return file.getvalue()


def test_a_classifier_is_told_by_its_accuracy() -> None:
    found = produced("images")
    said = printed(found)
    change = found["accuracy_change"]
    assert change is not None
    (row,) = (line for line in said.splitlines() if line.strip().startswith("accuracy (test)"))
    assert f"{100 * change['value']:+.2f} points" in row
    assert "perplexity" not in said.lower()
    assert "Report: runs/one/report.html" in said


def test_a_language_model_is_told_by_its_perplexity_and_the_interval_of_the_ratio() -> None:
    found = produced("language")
    said = printed(found)
    assert "accuracy" not in said
    for key, name in (("perplexity", "test"), ("calibration_perplexity", "calibration")):
        (row,) = (line for line in said.splitlines() if f"perplexity ({name})" in line)
        for value in found[key].values():
            assert f"{value:.2f}" in row
        assert f"{found[key]['after'] / found[key]['before'] - 1:+.1%}" in row
    change = found["perplexity_change"]
    for key in ("value", "low", "high"):
        assert f"{change[key]:.2f}" in said
    assert f"{change['tokens']} test tokens" in said


def test_a_perplexity_without_an_interval_is_told_without_one() -> None:
    found = produced("language")
    found["perplexity_change"].update(low=None, high=None)
    assert "interval" not in printed(found)


def test_a_perplexity_that_more_than_doubled_is_told_as_a_factor() -> None:
    found = produced("language")
    found["perplexity"] = {"before": 16.0, "after": 56.0}
    assert "3.50 times" in printed(found)
