"""The sentence on top says what changed, or how large a change would have been found."""

from __future__ import annotations

import pytest

from leanfair.comparison.whom.entries import Family
from leanfair.comparison.whom.paired.contrasts import Contrast
from leanfair.comparison.whom.words import accuracy_topic, favour_topic, span, told_of
from leanfair.statistics import Interval


def family(**changes: tuple[float, float]) -> Family:
    """Value -> its change and p-value; each interval is a tenth wide."""
    return Family.of(
        {
            (name,): Contrast(Interval(v, v - 0.05, v + 0.05), 0.025, p, 400)
            for name, (v, p) in changes.items()
        }
    )


def test_both_directions_are_told_with_their_size() -> None:
    found = told_of(
        favour_topic("the stated race"),
        family(a=(0.1, 0.001), b=(-0.2, 0.001), c=(0.01, 0.5)),
        400,
    )
    assert found.verdict == "changed"
    assert found.sentence == (
        "Pruning shifted whom the model favours by the stated race: towards “a” by 10.0 points "
        "(5.0 to 15.0) and away from “b” by 20.0 points (15.0 to 25.0)."
    )
    assert f"Pruning {found.part}." == found.sentence


def test_of_two_values_one_mirrors_the_other() -> None:
    both = family(a=(0.1, 0.001), b=(-0.1, 0.001))
    assert "away" not in told_of(favour_topic("sex"), both, 400).sentence
    sentence = told_of(accuracy_topic("sex"), both, 400).sentence
    assert "“b” fared worse" in sentence
    assert "better" not in sentence


def test_what_is_not_found_is_not_said_to_be_absent() -> None:
    found = told_of(favour_topic("race"), family(a=(0.01, 0.5), b=(-0.01, 0.5)), 400)
    assert found.verdict == "open"
    assert "cannot be said" in found.sentence
    assert "four times out of five" in found.sentence
    assert "no bias" not in found.sentence.lower()
    assert found.part.startswith("whether pruning ")


def test_that_not_one_answer_changed_is_told_and_proves_nothing() -> None:
    found = told_of(favour_topic("race"), family(a=(0.0, 1.0)), 400, same=True)
    assert found.verdict == "open"
    assert "not one answer changed" in found.sentence


def test_too_few_answers_are_the_reason() -> None:
    found = told_of(favour_topic("race"), family(), 400, "Child answered 0 of 400 rows")
    assert found.verdict == "unknown"
    assert found.sentence.endswith(": Child answered 0 of 400 rows.")


def test_many_groups_are_counted_rather_than_named() -> None:
    many = family(**{f"g{i}": (0.1 + i / 100, 0.001) for i in range(5)})
    sentence = told_of(favour_topic("race"), many, 400).sentence
    assert "“g4”" in sentence
    assert "“g1”" not in sentence
    assert "3 more likewise" in sentence


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_size_has_no_sign(sign: float) -> None:
    ends = sorted((sign * 0.05, sign * 0.15))
    assert span(Contrast(Interval(sign * 0.1, *ends))) == "10.0 points (5.0 to 15.0)"
