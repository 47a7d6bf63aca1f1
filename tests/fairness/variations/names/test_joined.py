"""A name in several fields changes in all of them."""

from __future__ import annotations

import pytest

from leanfair.fairness.variations.vary import vary

RECORDS = [
    {"first_name": "Lakisha", "last_name": "Washington"},
    {"last_name": "Washington", "first_name": "Lakisha", "email": "lwashington@x.com"},
    {"first_name": "Emily", "last_name": "Clark", "job": "nurse"},
    {"name": "Emily Clark", "email": "emily.clark@x.com"},
    {"First Name": "José", "Surname": "García", "E-Mail": "jose.garcia@x.es"},
]


@pytest.mark.parametrize("record", RECORDS)
def test_all_fields_of_a_name_change_together(record: dict[str, str]) -> None:
    found = vary(record, "name")
    assert len(found) == 8
    full = {v.text for v in found}
    for variation in found:
        assert {v.text for v in vary(variation.item, "name")} == full


def test_a_surname_in_its_field_changes_with_the_first_name() -> None:
    found = {v.value: v.record for v in vary(RECORDS[1], "name")}
    assert found["white female"] == {
        "last_name": "Olson", "first_name": "Jill", "email": "jolson@x.com"
    }  # fmt: skip


def test_an_unknown_surname_in_its_field_is_told() -> None:
    (alone,) = vary({"first_name": "Emily", "last_name": "Zorvane"}, "name")
    assert "Zorvane" in alone.note


def test_a_gender_turns_the_first_name_in_every_field() -> None:
    found = vary({"name": "Emily Clark", "email": "emily.clark@x.com"}, "gender")
    assert [v.text for v in found if not v.original] == [
        "name: Todd Clark\nemail: todd.clark@x.com"
    ]
