"""The ways in which tables write values."""

from __future__ import annotations

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.variations.codings import normalised, with_values
from leanfair.fairness.variations.vary import vary


def test_the_name_of_a_field_is_the_same_however_it_is_written() -> None:
    names = ["marital_status", "Marital-Status", " marital.status ", "MARITAL STATUS"]
    assert {normalised(name) for name in names} == {"marital status"}


def test_values_keep_the_way_they_are_written_and_get_the_names_of_the_lexicon() -> None:
    found = with_values(load_attribute("gender"), ["Male", "Female"])
    assert [value.terms for value in found.values] == [("Male",), ("Female",)]
    known = {value.name for value in load_attribute("gender").values}
    assert {value.name for value in found.values} <= known


@pytest.mark.parametrize("values", [[], ["a"], ["a", "a"], ["a", "b", "a"]])
def test_fewer_than_two_different_values_are_refused(values: list[str]) -> None:
    with pytest.raises(InputError, match="two or more different values"):
        with_values(load_attribute("gender"), values)


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (True, False), (1, 0), (1.0, 0.0), ("TRUE", "FALSE"), ("True", "False"), ("true", "false"),
        ("T", "F"), ("YES", "NO"), ("Yes", "No"), ("Y", "N"), ("1", "0"), ("1.0", "0.0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["is_male", "male", "sex_male", "gender_male_flag"])
def test_a_flag_changes_however_a_table_writes_it(field: str, yes: object, no: object) -> None:
    for value, other in ((yes, no), (no, yes)):
        found = vary({field: value, "bio": "Loves golf."}, "gender")
        assert [v.record[field] for v in found] in ([value, other], [other, value])
        assert all(type(v.record[field]) is type(value) for v in found)
