"""Every variation is asked once, and what cannot be varied is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.judge import Judge
from tests.support.judges import (
    OPTIONS,
    biased,
    judge,
    people,
    run,
)


def test_each_variation_is_asked_once_whatever_the_rules() -> None:
    decider = judge(biased())
    found = run(decider, people(40), rules=None).summary
    # two values, two of the placebo, one without the attribute
    assert found["forward_passes"] == found["forward_passes_now"] == 40 * 5
    assert decider.forward_passes == 40 * 5
    assert found["forward_passes_by_rule"] == {
        "none": 40, "mean": 80, "vote": 80, "abstain": 80, "blind": 40,
    }  # fmt: skip
    few = run(judge(biased()), people(40), placebo=None).summary
    assert few["forward_passes"] == 80
    assert few["flips"]["placebo"]["reason"]


def test_an_attribute_that_the_prompt_does_not_show_is_told() -> None:
    def model(texts: list[str]) -> Any:
        return np.tile([0.6, 0.4], (len(texts), 1))

    found = run(Judge(model, "A {job}: {score}", OPTIONS), people()).summary
    assert found["flip_rate"]["none"] == 0.0
    assert any("shows none of the fields" in note for note in found["notes"])


def test_texts_that_do_not_tell_the_attribute_are_told() -> None:
    rows = [
        {"text": f"A {row['race'] if i % 4 else 'tall'} clerk with a score of {row['score']}. Go",
         **{k: row[k] for k in ("race", "hired")}}
        for i, row in enumerate(people(40))
    ]  # fmt: skip
    found = run(Judge(biased("black", 0.2), "{text}", OPTIONS), rows, attribute="race").summary
    assert any("10 of 40 rows were not varied" in note for note in found["notes"])
    assert found["flips"]["comparable"] == 30


def test_rows_with_an_unknown_value_are_half_understood_and_the_first_is_named() -> None:
    rows = people(20)
    rows[4]["race"] = rows[5]["race"] = "martian"
    found = run(judge(biased()), rows, attribute="race")
    coverage = found.summary["coverage"]
    assert coverage is not None
    assert (coverage["varied"], coverage["half_understood"]) == (18, 2)
    assert coverage["reasons"][0]["first_row"] == 5
    assert coverage["words"] == {"race: martian": 2}
    assert found.decisions[4]["reading"] == "half understood"


def test_a_table_without_any_known_value_is_refused_and_its_first_row_named() -> None:
    rows = [{**row, "race": f"martian {i % 2}"} for i, row in enumerate(people(20))]
    with pytest.raises(InputError, match="Row 1 of the table"):
        run(judge(biased()), rows, attribute="race")
