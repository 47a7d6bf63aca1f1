"""How it was done: what the page says is what the summary holds."""

from __future__ import annotations

import pytest

from leanfair.fairness.report.facts import facts
from tests.support.audits import audited


def told(name: str) -> dict[str, str]:
    return {key: value for _, group in facts(audited(name)) for key, value in group}


def test_how_it_was_done() -> None:
    summary, found = audited("all rules"), told("all rules")
    for key, value in (
        ("model", "toy"),
        ("revision", "9f1c2a"),
        ("kind", "callable"),
        ("prompt hash", summary["prompt_hash"]),
        ("options", "yes (yes, Yes); no (no, No)"),
        ("calibration", "none"),
        ("seed", "0"),
        ("lexicon", f"race {summary['lexicons']['race']}"),
        ("values", "black, white"),
        ("intervals", "95%, 100 resamples"),
        ("forward passes", f"{summary['forward_passes']}"),
        ("rows", "120"),
        ("label", "hired"),
    ):
        assert found[key] == value
    assert found["date"].endswith(" UTC")


def test_a_prior_is_shown_option_by_option() -> None:
    prior = audited("contextual")["judge"]["prior"]
    assert prior == pytest.approx({"yes": 0.7, "no": 0.3})
    assert told("contextual")["prior"] == "yes 0.700, no 0.300"
    assert told("contextual")["calibration"] == "contextual"
    assert "prior" not in told("all rules")


def test_a_judge_that_tells_little_is_no_error() -> None:
    assert told("refusals")["model"] == "not known"
    assert told("refusals")["versions"] == "not known"


def test_without_an_attribute_nothing_was_varied() -> None:
    assert told("no attribute")["attribute"] == "nothing"
    assert "lexicon" not in told("no attribute")
