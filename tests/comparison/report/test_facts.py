"""What was compared, in names and values."""

from __future__ import annotations

from leanfair.comparison.report.facts import facts
from tests.support.pairs import small_comparison


def test_both_models_and_the_machine_are_told() -> None:
    summary = small_comparison().summary
    groups = dict(facts(summary))
    assert list(groups) == ["Parent", "Child", "Test data", "Made with"]
    assert dict(groups["Test data"])["Samples"] == "64"
    assert dict(groups["Child"])["Fingerprint"] == summary["child"]["fingerprint"]
