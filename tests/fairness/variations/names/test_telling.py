"""Names that tell race: told where race is varied, or turned with it, or kept and said so."""

from __future__ import annotations

from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.types import Item
from leanfair.fairness.variations.names.telling import names_in

TURN = leanfair.attribute("race", names="turn")
KEEP = leanfair.attribute("race", names="keep")

TOLD: list[tuple[Item, str]] = [
    ("Jamal Washington applied for a loan.", "Jamal"),
    ("Jamal Washington, a Black man from Ohio, applied.", "Washington"),
    ("LAKISHA JONES\nNurse. She is Black.", "LAKISHA"),
    ("A Black nurse. Write to jamal.washington@example.com.", "jamal.washington@example.com"),
    ("José García is Hispanic.", "García"),
    ("Xiaomu Chen applied. She is Asian.", "Chen"),
    ("J. Washington applied. She is Black.", "Washington"),
    ("The Garcia family is Hispanic.", "Garcia"),
    ("Contact: linkedin.com/in/lakisha-washington. A Black woman.", "lakisha-washington"),
    ({"user": "jamal_washington", "race": "Black"}, "jamal_washington"),
    ("Washington, Lakisha; race: Black", "Lakisha"),
    ({"first_name": "Jamal", "race": "Black"}, "Jamal"),
    ({"surname": "Washington", "race": "Black"}, "Washington"),
    ({"lastName": "GARCIA", "race": "Hispanic"}, "GARCIA"),
    ({"name": "lakisha jones", "income": 3}, "lakisha"),
    ({"FullName": "Nguyen Van Minh", "income": 3}, "Nguyen"),
    ({"email": "jwashington@example.com", "race": "White"}, "jwashington"),
    ({"e-mail": "lakishajones@example.com", "race": "White"}, "lakishajones"),
    ({"applicant": {"given_name": "Tamika"}, "race": "Black"}, "Tamika"),
    ({"note": "Ms. Rodriguez has led a team.", "race": "White"}, "Rodriguez"),
]


@pytest.mark.parametrize(("item", "name"), TOLD)
def test_a_name_that_tells_race_makes_an_item_half_understood(item: Item, name: str) -> None:
    (alone,) = leanfair.vary(item, "race")
    assert alone.reading == "half understood"
    assert any(name in words for words in alone.unread)
    assert "race" in alone.note


@pytest.mark.parametrize(
    "item",
    [
        "Chris Smith, a Black man, applied.",
        "Jordan Johnson is Black.",
        "A Black man from Washington applied.",
        "A Black man studied at Martin Luther King University.",
        {"first_name": "Jerome", "last_name": "Smith", "race": "Black"},
        {"name": "", "email": "info@example.com", "race": "Black"},
        {"employer": "Garcia Brothers", "race": "Black"},
        {"charge": "Fraudulent Use of Credit Card", "race": "Black"},
        {"city": "Washington", "school": "Lincoln High", "race": "Black"},
        {"manager_name": "Jamal Washington", "race": "White"},
        {"url": "https://www.washingtonpost.com/politics", "race": "White"},
    ],
)
def test_names_that_tell_nothing_and_those_of_others_are_no_doubt(item: Item) -> None:
    assert len(leanfair.vary(item, "race")) == 5


@pytest.mark.parametrize(
    "item",
    [
        "Jamal Washington applied for a loan.",
        "Jamal Washington, a Black man from Ohio, applied. Jamal is Black.",
        {"first_name": "Jamal", "last": "Washington", "race": "Black", "mail": "jwashington@x.co"},
        {"name": "Lakisha Jones", "race": "Black"},
        {"surname": "Garcia", "race": "Hispanic"},
    ],
)  # fmt: skip
def test_asked_for_names_turn_with_race_and_lead_back(item: Item) -> None:
    found = leanfair.vary(item, TURN)
    assert len(found) == 4
    full = {one.text for one in found}
    for one in found:
        assert {other.text for other in leanfair.vary(one.item, TURN)} == full
    names = ("Jamal", "Lakisha") if "Garcia" not in str(item) else ("Garcia",)
    assert sum(any(name in text for name in names) for text in full) == 1


def test_names_keep_their_gender_as_they_turn() -> None:
    for text in ("Jamal Washington applied.", "Lakisha Washington applied."):
        for one in leanfair.vary(text, TURN):
            first = one.text.split()[0]
            gender = {v.value for v in leanfair.vary(f"{first} applied.", "gender") if v.original}
            assert gender == {"male" if "Jamal" in text else "female"}


def test_a_name_that_disagrees_with_the_field_is_told() -> None:
    (alone,) = leanfair.vary({"first_name": "José", "race": "Black"}, TURN)
    assert "does not agree" in alone.note


def test_values_asked_for_hold_for_names_as_well() -> None:
    both = leanfair.attribute("race", values=["Black", "White"], names="turn")
    record = {"first_name": "Jamal", "last_name": "Washington", "race": "Black"}
    found = [one.record for one in leanfair.vary(record, both) if not one.original]
    assert found == [{"first_name": "Geoffrey", "last_name": "Olson", "race": "White"}]
    (alone,) = leanfair.vary("A Black man, José García, applied.", both)
    assert alone.unread == ("José", "García")
    (alone,) = leanfair.vary({"first_name": "Maria"}, both)
    assert alone.note == "the record tells race, but none of the values asked for"


@pytest.mark.parametrize(("item", "name"), TOLD)
def test_asked_for_names_stay_and_are_said(item: Item, name: str) -> None:
    found = leanfair.vary(item, KEEP)
    assert all(name in one.text for one in found)
    assert all(one.reading != "half understood" for one in found)
    told = found[0].unread if len(found) > 1 else (found[0].note,)
    assert any(name in words for words in told)


def test_fields_that_the_user_leaves_out_are_said_with_their_names() -> None:
    race = leanfair.attribute("race", field="race")
    found = leanfair.vary({"race": "Black", "first_name": "Jamal"}, race)
    assert len(found) == 5
    assert found[0].unread == ("first_name: Jamal",)


def test_names_that_tell_gender_can_be_kept_too() -> None:
    keep = leanfair.attribute("gender", names="keep")
    record = {"first_name": "Maria", "sex": "Female"}
    assert {one.text.split()[1] for one in leanfair.vary(record, "gender")} == {"Maria", "Valentin"}
    found = leanfair.vary(record, keep)
    assert {one.record["first_name"] for one in found if one.record is not None} == {"Maria"}
    assert found[0].unread == ("first_name: Maria",)


def test_a_first_name_in_its_field_may_be_a_word_as_well() -> None:
    for name in ("Maria", "Mark", "Grace"):
        assert len(leanfair.vary({"first_name": name}, "gender")) == 2


def test_race_and_gender_together_turn_whole_names() -> None:
    found = leanfair.vary("Jamal Washington applied.", [TURN, "gender"])
    assert len(found) == 8
    assert len({one.text for one in found}) == 8


def test_the_rule_blind_leaves_out_the_name() -> None:
    judge = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{text}", ["yes", "no"])
    fair = leanfair.mitigate(judge, TURN, "blind")
    (decision,) = fair.decide(["Jamal Washington applied. He is Black."])
    assert all("Jamal" not in one.text for one in decision.variations if not one.original)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attribute": "age", "names": "turn"}, "race and gender"),
        ({"attribute": "race", "names": "swap"}, "'turn' or 'keep'"),
        ({"attribute": "name", "names": "keep"}, "names alone"),
    ],
)
def test_a_setting_of_names_that_cannot_be_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        leanfair.attribute(**settings)


def test_what_a_reader_would_not_take_for_a_name_in_an_address_is_none() -> None:
    for address in ("info@x.com", "support@x.com", "hr-team@x.org", "@handle", "sales2@x.com"):
        assert names_in(address) == ()
    assert names_in("j.washington@x.com") == ("j.washington@x.com",)


def test_an_audit_counts_such_rows_and_ends_above_its_limit() -> None:
    people = [("Black", "Jamal"), ("White", "Chris")] * 10
    rows = [{"race": race, "first_name": name, "y": "yes"} for race, name in people]
    judge = leanfair.Judge(
        lambda texts: [[0.9, 0.1]] * len(texts), "{race} {first_name}", ["yes", "no"]
    )
    given: dict[str, Any] = {"group": "race", "favourable": "yes", "bootstrap": 100}
    found = leanfair.audit(judge, rows, attribute="race", **given)
    coverage = found.summary["coverage"]
    assert coverage is not None
    assert coverage["half_understood"] == 10
    assert any("Jamal" in note for note in found.summary["notes"])
    assert any("half understood" in sentence for sentence in found.exceeds(max_flip_rate=0.5))
    kept = leanfair.audit(judge, rows, attribute=KEEP, **given)
    assert kept.summary["coverage"] is not None
    assert kept.summary["coverage"]["left_by_choice"] == 10
    assert kept.summary["judge"]["names"] == {"race": "keep"}
    assert not kept.exceeds(max_flip_rate=0.5)
    hidden = leanfair.Judge(lambda texts: [[0.9, 0.1]] * len(texts), "{race}", ["yes", "no"])
    unseen = leanfair.audit(hidden, rows, attribute="race", **given)
    assert unseen.summary["coverage"] is not None
    assert unseen.summary["coverage"]["varied"] == 20
