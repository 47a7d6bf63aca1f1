"""What a field holds of a person's name, by what it is called."""

from __future__ import annotations

import pytest

from leanfair.fairness.variations.names.fields import is_of_somebody_else, kind_of


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("first name", "first"),
        ("firstname", "first"),
        ("fname", "first"),
        ("applicant given name", "first"),
        ("last name", "last"),
        ("lname", "last"),
        ("surname", "last"),
        ("family name", "last"),
        ("name", "whole"),
        ("full name", "whole"),
        ("applicant name", "whole"),
        ("email", "address"),
        ("e mail address", "address"),
        ("username", "address"),
        ("linkedin url", "address"),
        ("company name", ""),
        ("school name", ""),
        ("summary", ""),
        ("income", ""),
    ],
)
def test_the_kind_of_a_field(field: str, kind: str) -> None:
    assert kind_of(field) == kind


@pytest.mark.parametrize("field", ["manager name", "interviewer", "reference name", "hr contact"])
def test_fields_of_somebody_else(field: str) -> None:
    assert is_of_somebody_else(field)


@pytest.mark.parametrize("field", ["name", "applicant name", "spouse name", "candidate"])
def test_fields_of_the_person_and_the_family(field: str) -> None:
    assert not is_of_somebody_else(field)
