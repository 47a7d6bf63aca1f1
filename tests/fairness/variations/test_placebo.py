"""A placebo has as many items as its row has variations, and changes nothing that matters."""

from __future__ import annotations

from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.variations.placebo import changed_fields, placebos
from leanfair.fairness.variations.varier import Varier
from tests.support.judges import RACE, people

ROWS = people(12)


def made(placebo: Any, rows: list[Any], seed: int = 0) -> Any:
    varier = Varier(RACE)
    sets = [varier.variations(row) for row in rows]
    slots = ("race", "job", "score") if isinstance(rows[0], dict) else None
    return placebos(placebo, rows, sets, varier.attributes, slots, seed)


def test_a_number_goes_behind_a_field_of_words_that_the_attribute_leaves_alone() -> None:
    found = made("auto", ROWS)
    assert found.kind == "a reference number"
    for row, drawn in zip(ROWS, found.items, strict=True):
        assert len({one["job"] for one in drawn}) == 2
        for one in drawn:
            assert one["job"].startswith("clerk (reference ")
            assert {**one, "job": row["job"]} == row


def test_a_row_has_the_same_placebo_whatever_stands_behind_it() -> None:
    assert made("auto", ROWS).items[:3] == made("auto", ROWS[:3]).items
    assert made("auto", ROWS).items != made("auto", ROWS, seed=1).items


def test_a_field_takes_other_values_of_the_table() -> None:
    scores = {row["score"] for row in ROWS}
    for row, (first, second) in zip(ROWS, made("score", ROWS).items, strict=True):
        assert first == row
        assert second["score"] in scores - {row["score"]}
        assert {**second, "score": row["score"]} == row


def test_a_field_that_cannot_serve_is_refused() -> None:
    with pytest.raises(InputError, match="'sex' is no field that the prompt shows"):
        made("sex", ROWS)
    with pytest.raises(InputError, match="holds 1 different values, but 2 are needed"):
        made("job", ROWS)
    with pytest.raises(InputError, match=r"row 1 has 1 items, but .* needed, 2"):
        made(lambda item, k, rng: [item], ROWS)


def test_without_variations_there_is_no_placebo_and_it_is_said_why() -> None:
    found = made("auto", ["The applicant owns a car."])
    assert found.items == [()]
    assert "no row has variations" in found.reason


def test_fields_that_variations_change_are_found() -> None:
    assert changed_fields(Varier(RACE).variations(ROWS[0])) == {"race"}
