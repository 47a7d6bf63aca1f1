"""The tables of Local Law 144 are the published arithmetic, done by hand."""

from __future__ import annotations

from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.ll144.tables import check_ll144, ll144_rows


def applicants() -> list[dict[str, Any]]:
    """Who was assessed: (sex, race) -> how many, and of them selected."""
    counts = {
        ("Male", "White"): (100, 50), ("Female", "White"): (80, 32), ("Male", "Black"): (60, 18),
        ("Female", "Black"): (50, 20), ("Male", "Asian"): (4, 1), ("Female", ""): (6, 3),
    }  # fmt: skip
    return [
        {"sex": sex, "race": race, "d": "yes" if i < selected else "no", "score": i}
        for (sex, race), (n, selected) in counts.items()
        for i in range(n)
    ]


def rows_of(**given: Any) -> dict[tuple[str, str], dict[str, Any]]:
    judge = leanfair.Recorded("d", probability="score")
    settings = {"group": ["sex", "race"], "favourable": "yes", "bootstrap": 100, **given}
    found = ll144_rows(leanfair.audit(judge, applicants(), **settings).summary)
    return {(row["table"], row["category"]): row for row in found}


def test_rates_and_ratios_are_those_that_a_hand_would_count() -> None:
    found = rows_of()
    male, female = found["sex", "Male"], found["sex", "Female"]
    assert (male["assessed"], male["selected"]) == (164, 69)
    assert male["selection_rate"] == pytest.approx(69 / 164)
    assert female["selection_rate"] == pytest.approx(55 / 136)
    assert male["impact_ratio"] == 1.0
    assert female["impact_ratio"] == pytest.approx((55 / 136) / (69 / 164))
    black = found["race/ethnicity", "Black"]
    assert black["impact_ratio"] == pytest.approx((38 / 110) / (82 / 180))
    assert black["remark"] == "impact ratio below four fifths"
    both = found["intersections", "Male & Black"]
    assert both["impact_ratio"] == pytest.approx(0.3 / 0.5)


def test_small_categories_are_set_aside_and_unknown_ones_counted() -> None:
    found = rows_of()
    asian = found["race/ethnicity", "Asian"]
    assert asian["selection_rate"] == 0.25
    assert asian["impact_ratio"] is None
    assert asian["remark"] == "less than 2% of the data"
    assert found["race/ethnicity", "unknown"]["assessed"] == 6
    assert found["intersections", "unknown"]["assessed"] == 6
    assert found["sex", "unknown"]["assessed"] == 0


def test_scores_make_scoring_rates() -> None:
    found = rows_of()
    scores = sorted(row["score"] for row in applicants())
    median = (scores[149] + scores[150]) / 2
    women = [row["score"] > median for row in applicants() if row["sex"] == "Female"]
    assert found["sex", "Female"]["scoring_rate"] == pytest.approx(sum(women) / len(women))
    assert found["sex", "Male"]["scoring_impact_ratio"] == 1.0


@pytest.mark.parametrize("groups", [["sex"], ["race"], ["sex", "age"], ["sex", "race", "age"]])
def test_other_groups_are_refused(groups: list[str]) -> None:
    with pytest.raises(InputError, match="two columns of groups"):
        check_ll144(groups)


def test_columns_are_known_by_their_names() -> None:
    assert check_ll144(["Race/Ethnicity", "Gender"]) == ("Gender", "Race/Ethnicity")
    assert check_ll144(["sex", "ethnicity"]) == ("sex", "ethnicity")
