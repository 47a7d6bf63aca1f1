"""The headline and what it rests on: no more and no less than the numbers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leanfair.fairness.report import story
from leanfair.fairness.report.tiles import tiles
from tests.support.audits import audited, derived, interval


def flips(rate: float, placebo: float, p: float, p_pairs: float) -> Callable[[Any], None]:
    """Change how often decisions flip, how often with the placebo, and the p-values."""

    def change(summary: Any) -> None:
        summary["metrics"]["flip_rate"]["none"] = interval(rate)
        summary["flips"]["placebo"] |= {
            "flip_rate": interval(placebo), "excess": interval(rate - placebo, 0.07), "p": p,
        }  # fmt: skip
        for pair in summary["flips"]["pairs"]:
            pair |= {"p": p_pairs, "p_adjusted": p_pairs}

    return change


def test_headline_has_the_direction() -> None:
    summary = audited("all rules")
    rate = summary["flip_rate"]["none"]
    assert story.headline(summary) == (
        f"Changing only the stated race changes {100 * (rate or 0):.1f}% of this judge’s "
        "decisions, all of them in favour of “white”."
    )


def test_headline_does_not_claim_what_the_placebo_explains() -> None:
    summary = derived("all rules", flips(0.12, 0.10, 0.6, 0.6))
    assert story.headline(summary) == "No evidence that this judge decides by the stated race."
    assert "no proof that it does not" in story.verdict(summary)
    assert "up to 9.0 points would not have been ruled out" in story.verdict(summary)


def test_a_direction_is_evidence_where_the_placebo_flips_as_often() -> None:
    summary = derived("all rules", flips(0.12, 0.10, 0.6, 0.001))
    assert "in favour of “white”" in story.headline(summary)
    assert "many decisions, too; that the flips have a direction is." in story.verdict(summary)


def test_without_placebo_and_direction_nothing_is_claimed() -> None:
    def unsure(summary: Any) -> None:
        for pair in summary["flips"]["pairs"]:
            pair |= {"p": 0.5, "p_adjusted": 0.5}

    assert "this audit cannot tell" in story.headline(derived("no placebo", unsure))


def test_a_judge_that_treats_all_alike_is_not_blamed() -> None:
    assert story.headline(audited("fair")).startswith("No evidence")
    assert story.tone(audited("fair")) == "open"


def test_several_values_name_the_one_that_loses() -> None:
    assert story.headline(audited("many values")).endswith(
        "most of all to the disadvantage of “black”."
    )


def test_a_plain_judge_is_told_of_gaps_alone() -> None:
    summary = audited("no attribute")
    assert "unequally often, by up to" in story.headline(summary)
    assert "No attribute was varied" in story.verdict(summary)


def test_a_mitigated_judge_is_not_blamed_for_its_base() -> None:
    summary = audited("mitigated")
    assert story.headline(summary).startswith("Without its rule mean, changing only")
    assert story.rule_note(summary).startswith("Audited: the judge under the rule mean. The demo")


@pytest.mark.parametrize("name", ["silent", "failures"])
def test_what_is_unknown_is_said_to_be_unknown(name: str) -> None:
    summary = audited(name)
    rate = summary["metrics"]["flip_rate"]["none"]["value"]
    assert (story.evidence(summary) == "unknown") == (rate is None)
    assert len(tiles(summary)) == 5 + (summary["coverage"] is not None)


def test_the_greatest_gap_is_told_with_its_parts() -> None:
    summary = audited("all rules")
    parts = story.parts(summary, summary["groupings"][0]["decomposition"] or {})
    assert "are made by stating race: rules over variations take them away" in parts
    assert "cannot be told" in story.parts(summary, {})


def test_decisions_that_exist_are_told_as_such() -> None:
    pairs, bare = audited("pairs"), audited("recorded")
    assert story.headline(pairs).startswith("Of pairs that differ in race, 20.0% are decided ")
    assert story.headline(pairs).endswith("unequally, all of them in favour of “white”.")
    assert "10 of 50 gain “yes” and 0 lose it: a direction (exact test, p 0.002)" in (
        story.verdict(pairs)
    )
    assert "10 of 50 pairs of rows came out differently" in story.verdict(pairs)
    assert story.rule_note(bare) == "Audited: decisions that exist, as they stand in the table."
    assert "not why" in story.verdict(bare)


def test_refusals_among_flips_are_in_nobody_s_favour() -> None:
    def refusing(summary: Any) -> None:
        summary["flips"]["flipped"] = 20

    summary = derived("pairs", refusing)
    assert story.direction(summary).startswith("more often in favour of")
