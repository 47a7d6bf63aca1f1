"""Which fields of a record are read, and what of them is in doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import leanfair
from leanfair.fairness.types import Record
from leanfair.fairness.variations.vary import variations_of, vary


def others(record: Record, attribute: str, **settings: Any) -> list[Record]:
    found = vary(record, leanfair.attribute(attribute, **settings))
    return [v.record for v in found if v.record is not None and not v.original]


@pytest.mark.parametrize(
    ("record", "attribute", "other"),
    [
        ({"sex": "M", "note": "He leads his team."}, "gender",
         {"sex": "F", "note": "She leads her team."}),
        ({"sex": "Female", "relationship": "Wife"}, "gender",
         {"sex": "Male", "relationship": "Husband"}),
        ({"sex": "Female", "title": "Ms."}, "gender", {"sex": "Male", "title": "Mr."}),
        ({"sex": "", "note": "She leads."}, "gender", {"sex": "", "note": "He leads."}),
        ({"is_female": True, "age": 3}, "gender", {"is_female": False, "age": 3}),
        ({"female": "no"}, "gender", {"female": "yes"}),
        ({"sex_male": 1, "sex_female": 0}, "gender", {"sex_male": 0, "sex_female": 1}),
        ({"male": np.bool_(True)}, "gender", {"male": np.bool_(False)}),
        ({"a": {"sex": "male"}, "b": ["He won."]}, "gender",
         {"a": {"sex": "female"}, "b": ["She won."]}),
        ({"sex_at_birth": "Male", "x": 1}, "gender", {"sex_at_birth": "Female", "x": 1}),
        ({"messages": [{"role": "user", "content": "I am a father."}]}, "gender",
         {"messages": [{"role": "user", "content": "I am a mother."}]}),
    ],
)  # fmt: skip
def test_all_that_tells_changes_together(record: Record, attribute: str, other: Record) -> None:
    assert others(record, attribute) == [other]
    assert others(other, attribute) == [record]


@pytest.mark.parametrize(
    ("record", "attribute", "words"),
    [
        ({"race": "White", "note": "A Hispanic-presenting usherette"}, "race", None),
        ({"sex": "Male", "note": "She leads her team."}, "gender", "She"),
        ({"sex": "Male", "pronouns": "per/pers"}, "gender", "pronouns: per/pers"),
        ({"race_black": 1, "race_white": 0}, "race", "race_black: 1"),
        ({"disabled": True}, "disability", "disabled: True"),
        ({"age": 40, "generation": "X"}, "age", "generation: X"),
        ({"hispanic": "yes", "x": 1}, "race", "hispanic: yes"),
        ({"group": "Black", "x": 1}, "race", "group: Black"),
        ({"age": 62, "years_experience": 40}, "age", "years_experience: 40"),
        ({"name": "Zebulon Quux"}, "name", "name: Zebulon Quux"),
    ],
)
def test_what_may_tell_and_is_not_read_makes_a_record_half_understood(
    record: Record, attribute: str, words: str | None
) -> None:
    (only,) = vary(record, attribute)
    assert only.record == record
    assert only.reading == "half understood"
    assert only.note
    if words is not None:
        assert words in only.unread


@pytest.mark.parametrize(
    ("record", "attribute"),
    [
        ({"race": "unknown", "note": "Has a black car."}, "race"),
        ({"city": "Charlotte", "surname": "White", "hair": "Black"}, "race"),
        ({"city": "Charlotte", "employer": "Dick Jones Ltd"}, "gender"),
        ({"vehicle_age": 12, "income": 30}, "age"),
        ({"size": "M", "grade": "F"}, "gender"),
    ],
)
def test_what_tells_nothing_is_left_alone_for_that_reason(record: Record, attribute: str) -> None:
    (only,) = vary(record, attribute)
    assert only.reading == "left alone"
    assert "does not tell" in only.note


def test_fields_that_the_user_names_are_varied_alone_and_what_is_left_is_told() -> None:
    record = {"sex": "Male", "note": "He leads his team."}
    found = vary(record, leanfair.attribute("gender", field="sex"))
    assert [v.record for v in found if not v.original] == [{**record, "sex": "Female"}]
    assert {v.unread for v in found} == {("note: He", "note: his")}
    assert {v.reading for v in found} == {"varied"}


def test_fields_that_a_model_is_not_shown_can_tell_it_nothing() -> None:
    record = {"sex": "Male", "note": "A transgender person.", "job": "nurse"}
    one = leanfair.attribute("gender")
    assert variations_of(record, [one])[0].reading == "half understood"
    assert variations_of(record, [one], seen=("sex", "job"))[0].reading == "varied"


def test_texts_change_with_a_field_in_the_values_that_are_listed() -> None:
    record = {"race": "W", "note": "A White man."}
    listed = leanfair.attribute("race", values=["White", "Black"])
    assert others({**record, "race": "White"}, "race", values=["White", "Black"]) == [
        {"race": "Black", "note": "A Black man."}
    ]
    codes = leanfair.attribute("race", values=["B", "W"], field="race")
    assert vary(record, codes)[0].unread == ("note: White",)
    both = vary({**record, "race": 1}, leanfair.attribute("race", values=[0, 1]))
    assert both[0].reading == "half understood"
    assert listed.values == ("White", "Black")
