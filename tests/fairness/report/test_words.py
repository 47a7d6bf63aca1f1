"""Numbers as the page writes them."""

from __future__ import annotations

from leanfair.fairness.report import words as w
from tests.support.audits import audited


def test_p_values() -> None:
    assert [w.p_value(p) for p in (0.0, 0.0123, 0.25, None)] == ["< 0.001", "0.012", "0.25", "—"]


def test_an_interval_has_three_numbers_or_a_reason() -> None:
    assert w.span({"value": 0.5, "low": 0.4, "high": 0.6}) == (0.5, 0.4, 0.6)
    silent = audited("silent")["metrics"]["flip_rate"]["none"]
    assert w.span(silent) is None
    assert w.reason(silent)


def test_the_grouping_by_the_attribute_leads() -> None:
    assert w.lead(audited("intersections"))["name"] == "race"
    assert w.lead(audited("no attribute"))["name"] == "race"


def test_words_are_listed() -> None:
    assert w.listed([]) == ""
    assert w.listed(["a"]) == "a"
    assert w.listed(["a", "b", "c"]) == "a, b and c"


def test_the_rule_beside_the_judge_is_its_own_or_mean() -> None:
    assert w.shown_rule(audited("abstaining")) == "abstain"
    assert w.shown_rule(audited("all rules")) == "mean"
    assert w.shown_rule(audited("no attribute")) is None
