"""Varying records: the field that tells changes, in the way of its table, and nothing else."""

from __future__ import annotations

import csv
import gzip
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.types import Record
from leanfair.fairness.variations.vary import vary
from tests.support.places import SHARED as PLACE

SHARED = PLACE / "data"

ADULT = {
    "age": 39, "workclass": "State-gov", "marital_status": "Married-civ-spouse",
    "relationship": "Husband", "race": "White", "sex": "Male", "native_country": "Mexico",
}  # fmt: skip
COMPAS = {"sex": "Female", "race": "African-American", "priors_count": 2, "decile_score": 4}


def records(item: Record, attribute: str, **options: Any) -> list[Record]:
    found = vary(item, leanfair.attribute(attribute, **options))
    assert sum(v.original for v in found) == 1
    assert all(v.record is not None for v in found)
    return [v.record for v in found if v.record is not None]


def contents(found: list[Record], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(record[name] for name in names) for record in found]


def test_adults_races_are_written_as_adult_writes_them() -> None:
    assert contents(records(ADULT, "race"), "race") == [
        ("White",), ("Black",), ("Asian-Pac-Islander",), ("Amer-Indian-Eskimo",), ("Other",),
    ]  # fmt: skip


def test_compas_races_are_written_as_compas_writes_them() -> None:
    assert contents(records(COMPAS, "race"), "race") == [
        ("African-American",), ("Caucasian",), ("Hispanic",), ("Asian",), ("Native American",),
        ("Other",),
    ]  # fmt: skip


def test_nothing_but_the_field_changes_and_the_original_is_the_record_itself() -> None:
    for variation in vary(ADULT, "race"):
        assert variation.record is not None
        assert {**variation.record, "race": "White"} == ADULT
        assert list(variation.record) == list(ADULT)
    assert vary(ADULT, "race")[0].record is ADULT


def test_the_text_of_a_record_is_its_content_with_the_place_marked() -> None:
    found = vary({"id": 7, "race": "Black"}, "race")
    assert [v.text for v in found][:2] == ["id: 7\nrace: Black", "id: 7\nrace: White"]
    assert [v.text[slice(*v.spans[0])] for v in found][:3] == ["Black", "White", "Asian"]


@pytest.mark.parametrize(
    ("sex", "other"), [("Male", "Female"), ("F", "M"), ("male", "female"), ("woman", "man")]
)
def test_a_field_keeps_the_style_of_its_value(sex: str, other: str) -> None:
    assert {r["sex"] for r in records({"sex": sex}, "gender")} == {sex, other}


def test_several_fields_change_together() -> None:
    found = records(ADULT, "gender", field=["sex", "relationship"])
    assert contents(found, "sex", "relationship") == [("Male", "Husband"), ("Female", "Wife")]
    other = records({"sex": "Male", "relationship": "Own-child"}, "gender",
                    field=["sex", "relationship"])  # fmt: skip
    assert contents(other, "sex", "relationship") == [
        ("Male", "Own-child"),
        ("Female", "Own-child"),
    ]


def test_free_text_beside_the_field_changes_with_it_when_it_is_listed() -> None:
    item = {"gender": "Female", "bio": "She runs her own shop.", "note": "her"}
    found = records(item, "gender", field=["gender", "bio"])
    assert contents(found, "gender", "bio", "note") == [
        ("Male", "He runs his own shop.", "her"),
        ("Female", "She runs her own shop.", "her"),
    ]


def test_a_record_of_texts_is_read_as_texts() -> None:
    found = records({"id": 3, "text": "He is a Black man."}, "race")
    assert contents(found, "id", "text")[2] == (3, "He is an Asian man.")


def test_listed_values_are_written_as_they_are_listed() -> None:
    values = ["Black", "White", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
    found = vary({"race": "Other"}, leanfair.attribute("race", values=values))
    assert [v.record["race"] for v in found if v.record] == values
    assert [v.value for v in found] == ["black", "white", "asian", "native american", "other"]
    codes = vary({"g": 1}, leanfair.attribute("gender", field="g", values=[0, 1]))
    assert [v.record for v in codes] == [{"g": 0}, {"g": 1}]


def test_numbers_keep_their_type() -> None:
    assert contents(records({"age": 34}, "age"), "age") == [(34,), (54,), (74,)]
    assert contents(records({"age": 34.0}, "age"), "age") == [(34.0,), (54.0,), (74.0,)]
    assert contents(records({"age": "34"}, "age"), "age") == [("34",), ("54",), ("74",)]


def test_a_name_and_a_text_change_together() -> None:
    item = {"name": "Jamal Washington", "letter": "He is a nurse."}
    found = records(item, "name", field=["name", "letter"])
    assert contents(found, "name", "letter")[1] == ("Allison Olson", "She is a nurse.")
    assert len(found) == 8


def test_a_value_that_the_lexicon_lacks_is_an_error_naming_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'race' is 'Klingon'.*black, white, asian, hispanic"):
        vary({"race": "Klingon"}, "race")
    with pytest.raises(
        InputError, match=r"'Hispanic'.*white, black, asian, native american, other"
    ):
        vary({**ADULT, "race": "Hispanic"}, "race")
    with pytest.raises(InputError, match="there are white, asian"):
        vary({"race": "Black"}, leanfair.attribute("race", values=["White", "Asian"]))


def test_a_field_that_is_not_there_is_an_error_naming_those_there_are() -> None:
    with pytest.raises(InputError, match="no field 'ethnicity'; it has id, race"):
        vary({"id": 1, "race": "Black"}, leanfair.attribute("race", field="ethnicity"))


@pytest.mark.parametrize("missing", ["?", "", None, float("nan"), "unknown", "N/A"])
def test_a_missing_value_does_not_tell(missing: Any) -> None:
    item = {"race": missing}
    (only,) = vary(item, "race")
    assert only.record is item
    assert only.value == ""
    assert vary(item, "race")[0].note == "the record does not tell race"


def test_an_age_outside_the_groups_does_not_tell() -> None:
    assert len(vary({"age": 82}, "age")) == 1
    assert len(vary({"age": 9}, "age")) == 1


def test_the_hyphenated_way_of_data_sets_has_its_own_row() -> None:
    assert contents(records({"race": "Amer-Indian-Eskimo"}, "race"), "race") == [
        ("Black-African",), ("White-European",), ("Asian-Pac-Islander",), ("Hispanic-Latino",),
        ("Amer-Indian-Eskimo",),
    ]  # fmt: skip


def test_combinations_hold_for_records() -> None:
    found = vary(ADULT, ["race", "gender"])
    assert len(found) == 10
    assert [v.record for v in found if v.original] == [ADULT]
    assert {(v.record["race"], v.record["sex"]) for v in found if v.record} == {
        (race, sex)
        for race in ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other")
        for sex in ("Male", "Female")
    }


def rows_of(name: str, step: int) -> list[dict[str, str]]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::step]
    return [{k: v for k, v in row.items() if k not in ("name", "first", "last")} for row in rows]


@pytest.mark.parametrize(
    ("name", "attribute", "field", "size"),
    [
        ("adult/adult_train.csv.gz", "race", None, 5),
        ("adult/adult_train.csv.gz", "gender", ["sex", "relationship"], 2),
        ("compas/compas-scores-two-years.csv.gz", "race", None, 6),
        ("compas/compas-scores-two-years.csv.gz", "gender", None, 2),
    ],
)
@pytest.mark.real
def test_every_row_of_a_real_table_has_the_full_set_and_closure(
    name: str, attribute: str, field: list[str] | None, size: int
) -> None:
    for row in rows_of(name, 60):  # without the people's names, which tell a race as well
        found = records(row, attribute, field=field)
        assert len(found) == size
        for one in found:
            assert contents(records(one, attribute, field=field), *row) == contents(found, *row)
