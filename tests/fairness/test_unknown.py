"""What forms and tables write where they do not know, and what only looks like it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from leanfair.fairness.unknown import is_blank, is_missing, plain, says_nothing, whole

UNKNOWN = """
? - -- — . N/A #N/A <NA> n.a. NaN null NULL unknown UNKNOWN (unknown) [blank] *missing*
Decline to answer|Declined|Declined to state|I decline to identify|Applicant declined to respond
I do not wish to self-identify|I don't wish to answer|I don\u2019t wish to answer
Do not wish to disclose|I do not want to answer|Does not wish to say|Did not answer
Not Specified|not stated|Not known|Not reported|Not provided|Not disclosed|Not available
Not applicable|Race not available|Ethnicity not stated|Sex not reported|Information not provided
Information not provided by applicant in mail, internet, or telephone application
Choose not to disclose|Chose not to answer|I choose not to self-identify
Prefer not to answer|Prefer not to say|I prefer not to say|I would prefer not to answer
Rather not say|Undisclosed|Unspecified|Unknown/Not Reported|Unknown race|Race unknown
Opted out|Refused|Refused to answer|No answer|No response|No data|withheld|Don't know
""".strip()

KNOWN = """
White|Black or African American|Hispanic or Latino|White (Not Hispanic or Latino)|Other|None|X
Not Hispanic or Latino|Two or More Races|Non-binary|Not disabled|Not a veteran|No|Nonreligious
Prefer to self-describe as two-spirit|American Indian or Alaska Native|Middle Eastern|0|-1|NB|Nan
""".strip().replace("|Nan", "")


def _listed(text: str) -> list[str]:
    first, *rest = text.splitlines()
    words = first.split("|") if "|" in first else first.split()
    return [*words, *(word for line in rest for word in line.split("|"))]


@pytest.mark.parametrize("value", _listed(UNKNOWN))
def test_words_of_forms_say_nothing_in_any_case(value: str) -> None:
    for written in (value, value.upper(), value.lower(), f"  {value} "):
        assert says_nothing(written)


@pytest.mark.parametrize("value", _listed(KNOWN))
def test_groups_are_no_unknown_values(value: str) -> None:
    assert not says_nothing(value)


def test_missing_is_the_same_from_every_kind_of_table() -> None:
    pandas = pytest.importorskip("pandas")
    for value in (None, math.nan, np.nan, np.float32("nan"), pandas.NA, pandas.NaT, "", "  "):
        assert says_nothing(value)
        assert is_blank(value)
    assert is_missing(pandas.NA)
    assert not is_missing("")
    for value in (0, False, 0.0, [], {}, "0"):
        assert not says_nothing(value)


def test_case_blanks_and_unicode_forms_are_one() -> None:
    assert plain(" Me\u0301tis  \n") == plain("M\u00e9TIS")
    assert plain("don\u2019t") == "don't"
    assert plain("Stra\u00dfe") == plain("STRASSE")


def test_a_whole_number_with_a_fraction_of_nothing_is_that_number() -> None:
    for value in (1.0, np.float32(1), np.float64(1)):
        assert type(whole(value)) is int
    for other in (True, "1.0", 1.5, float("nan"), float("inf"), None):
        assert whole(other) is other
