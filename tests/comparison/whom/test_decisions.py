"""The section about people: what is planted is found, what is not there is not claimed."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.comparison.schema.whom import Whom
from leanfair.comparison.whom.decisions import decisions_section
from leanfair.comparison.whom.hearing import hear_both
from leanfair.fairness.types import Answer
from tests.support.judges import Scripted, biased, judge, said
from tests.support.schemas import misfits
from tests.support.sides import about, section


def silent(item: Any) -> Answer:
    return Answer("refused", captured=0.0, text="I cannot help with that.")


def of(parent: Any, child: Any, **changed: Any) -> Whom:
    return decisions_section(hear_both((parent, child), about(**changed)), ("Parent", "Child"))


def test_a_section_is_of_its_schema() -> None:
    assert misfits(section(), Whom) == []
    assert misfits(of(judge(biased()), judge(biased()), attribute=None, label=None), Whom) == []


def test_a_planted_turn_against_a_group_is_on_top() -> None:
    found = section("black", 0.2)
    assert found["verdict"] == "changed"
    assert "towards “white”" in found["sentence"]
    turned = section("white", 0.2)
    assert "towards “black”" in turned["sentence"]


def test_noise_alone_is_no_change_of_favour() -> None:
    found = section("", 0.0, noisy=0.5)
    assert found["verdict"] == "open"
    assert "cannot be said" in found["sentence"]


def test_the_audits_own_numbers_stand_beside_each_other() -> None:
    judges = (judge(biased(noisy=0.3)), judge(biased("black", 0.15, noisy=0.3)))
    found = section("black", 0.15)
    (grouping,) = found["groupings"]
    for place, side in enumerate(("parent", "child")):
        own = hear_both((judges[place], judges[place]), about()).parent
        rates = own.group_rates[0]
        for name, gap in grouping["gaps"].items():
            if name != "accuracy_difference":
                value = rates.metric(name, "none").value  # type: ignore[arg-type]
                assert gap[side]["value"] == pytest.approx(value)  # type: ignore[literal-required]
        for g, name in enumerate(own.table.groupings[0].names):
            rate = rates.rate("true_positive_rate", "none", g)
            shown = grouping["groups"][name]["rates"]["true_positive_rate"]
            assert shown[side]["value"] == pytest.approx(rate.value)  # type: ignore[literal-required]


def test_a_model_that_answers_nobody_says_nothing() -> None:
    found = of(Scripted(lambda _: said("yes")), Scripted(silent))
    assert found["verdict"] == "unknown"
    assert "Child answered 0 of" in found["sentence"]
    assert any("Child left 200 of" in note for note in found["notes"])


def test_equal_models_are_not_called_free_of_a_change() -> None:
    found = of(judge(biased()), judge(biased()))
    assert found["verdict"] == "open"
    assert "not one answer changed" in found["sentence"]


def test_without_an_attribute_the_groups_are_on_top() -> None:
    found = of(judge(biased()), judge(biased("black", 0.3)), attribute=None)
    assert found["values"] == []
    assert found["flips"] is None
    assert "by race: towards “white”" in found["sentence"]


def test_several_columns_and_clusters_are_taken() -> None:
    found = of(
        judge(biased()), judge(biased("black", 0.3)), group=["race", "sex"], cluster="person"
    )
    assert [one["name"] for one in found["groupings"]] == ["race", "sex", "race & sex"]
    assert misfits(found, Whom) == []


def test_a_placebo_stands_beside_the_flips_of_both() -> None:
    found = of(judge(biased()), judge(biased("black", 0.3)), placebo="score")
    assert found["flips"] is not None
    assert found["flips"]["placebo"] is not None
    assert not any("No placebo" in note for note in found["notes"])
    assert any("No placebo" in note for note in section()["notes"])
