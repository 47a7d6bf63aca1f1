"""Varying texts: what comes back, and what is never touched."""

from __future__ import annotations

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.types import Variation
from leanfair.fairness.variations.vary import vary

TEXT = "He is a Black man from Ohio."


def texts(found: tuple[Variation, ...]) -> list[str]:
    return [variation.text for variation in found]


def test_the_full_set_is_one_variation_per_value_with_the_original_among_them() -> None:
    assert vary(TEXT, "race") == (
        Variation("black", TEXT, ((8, 13),), original=True),
        Variation("white", "He is a White man from Ohio.", ((8, 13),)),
        Variation("asian", "He is an Asian man from Ohio.", ((9, 14),)),
        Variation("hispanic", "He is a Hispanic man from Ohio.", ((8, 16),)),
        Variation("native american", "He is a Native American man from Ohio.", ((8, 23),)),
    )


def test_spans_are_the_places_that_tell_the_attribute() -> None:
    for variation in vary("Mrs. Brown and her son Tom", "gender"):
        told = [variation.text[a:b] for a, b in variation.spans]
        assert told in (["Mrs.", "her", "son", "Tom"], ["Mister", "his", "daughter", "Donna"])


def test_a_text_that_does_not_tell_comes_back_alone_and_is_said_to_be_so() -> None:
    text = "The applicant owns a black car."
    note = "the text does not tell race"
    assert vary(text, "race") == (Variation("", text, (), original=True, note=note),)
    assert vary(text, "race")[0].note == "the text does not tell race"
    assert vary(TEXT, "race")[0].note == ""


def test_a_text_told_by_a_term_without_counterpart_comes_back_alone_with_its_place() -> None:
    text = "A Latinx man and a Black man"
    (only,) = vary(text, "race")
    assert only.original
    assert only.text == text
    assert [text[a:b] for a, b in only.spans] == ["Latinx", "Black"]
    assert "'Latinx'" in vary(text, "race")[0].note


def test_values_restrict_the_set() -> None:
    found = vary(TEXT, leanfair.attribute("race", values=["White", "black"]))
    assert [v.value for v in found] == ["black", "white"]
    again = vary(found[1].text, leanfair.attribute("race", values=["White", "black"]))
    assert texts(again) == texts(found)
    mixed = vary(
        "a Black man, a white man and an Asian man",
        leanfair.attribute("race", values=["black", "white"]),
    )
    assert texts(mixed)[1] == "a White man, a black man and an Asian man"


def test_a_text_with_none_of_the_values_asked_for_is_alone_and_says_so() -> None:
    found = vary(TEXT, leanfair.attribute("race", values=["asian", "white"]))
    assert texts(found) == [TEXT]
    assert (
        "none of the values asked for"
        in vary(TEXT, leanfair.attribute("race", values=["asian", "white"]))[0].note
    )


@pytest.mark.parametrize("values", [["white"], ["white", "white"], []])
def test_fewer_than_two_values_are_an_error(values: list[str]) -> None:
    with pytest.raises(InputError, match="two or more"):
        vary(TEXT, leanfair.attribute("race", values=values))


def test_a_value_that_the_lexicon_lacks_is_an_error_naming_those_there_are() -> None:
    with pytest.raises(InputError, match="no value 'green'; it has black, white, asian"):
        vary(TEXT, leanfair.attribute("race", values=["green", "black"]))


def test_a_record_written_out_in_a_text_keeps_the_ways_of_its_table() -> None:
    text = "age 19, workclass Private, relationship Own-child, race Asian-Pac-Islander, sex Female"
    told = [v.text[slice(*v.spans[0])] for v in vary(text, "race")]
    assert told == ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
    listed = ["Other", "Black", "Asian-Pac-Islander"]
    found = vary(text, leanfair.attribute("race", values=listed))
    assert [v.text[slice(*v.spans[0])] for v in found] == listed


def test_names_are_restricted_to_whole_combinations_of_groups() -> None:
    pair = ["white female", "black female"]
    assert texts(vary("Emily is a nurse.", leanfair.attribute("name", values=pair))) == [
        "Emily is a nurse.",
        "Tamika is a nurse.",
    ]
    with pytest.raises(InputError, match="every combination"):
        vary("Emily", leanfair.attribute("name", values=["white female", "black male"]))


def test_protected_phrases_are_not_touched_the_users_own_neither() -> None:
    text = "The White Man band, led by a white man, played."
    assert texts(vary(text, leanfair.attribute("race", protect=["White Man"])))[0] == (
        "The White Man band, led by a black man, played."
    )
    (alone,) = vary("The White Man played", leanfair.attribute("race", protect=["White Man"]))
    assert alone.note == "the text does not tell race"


def test_where_a_variation_would_be_protected_the_text_is_left_alone() -> None:
    assert len(vary("a Black man", leanfair.attribute("race", protect=["White man"]))) == 1


def test_mentions_of_different_values_stay_different() -> None:
    found = vary("A Black man sued a white man and an Asian man.", "race")
    for variation in found:
        told = [variation.text[a:b].lower() for a, b in variation.spans]
        assert len(set(told)) == 3
    assert len({variation.text for variation in found}) == 5


def test_a_gender_swap_is_no_collapse() -> None:
    text = "She told her brother that his wife had left him."
    swapped = texts(vary(text, "gender"))[0]
    assert swapped == "He told his sister that her husband had left her."
    assert texts(vary(swapped, "gender"))[1] == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a Asian man", "an Black man"),
        ("an Black man", "a Asian man"),
        ("AN ASIAN MAN", "A BLACK MAN"),
        ("An Asian man", "A Black man"),
    ],
)
def test_a_wrong_article_stays_wrong_so_that_the_writers_text_can_come_back(
    text: str, wanted: str
) -> None:
    found = texts(vary(text, "race"))
    assert wanted in found
    assert text in texts(vary(wanted, "race"))


def test_everything_around_the_places_stays_byte_for_byte() -> None:
    text = "  Hi\tALL!\n\nThe  BLACK woman’s café — №7\u00a0(\U0001f600) e\u0301 \r\n He is black."
    for variation in vary(text, "race"):
        rest, end = "", 0
        for start, stop in variation.spans:
            rest += variation.text[end:start] + "#"
            end = stop
        assert rest + variation.text[end:] == text.replace("BLACK", "#").replace("black", "#")


def test_all_combinations_of_several_attributes() -> None:
    found = vary("She is a Black nurse.", ["race", "gender"])
    assert len(found) == 10
    assert found[0] == Variation("black, male", "He is a Black nurse.", ((0, 2), (8, 13)))
    assert [v.value for v in found if v.original] == ["black, female"]
    full = set(texts(found))
    for text in full:
        assert set(texts(vary(text, ["race", "gender"]))) == full


def test_an_attribute_that_is_not_told_drops_out_of_the_combinations() -> None:
    found = vary("She is a nurse.", ["race", "gender"])
    assert [v.value for v in found] == ["male", "female"]


def test_latinas_keep_their_place_in_race_and_in_gender() -> None:
    found = vary("A Latina nurse met a Latina woman.", ["race", "gender"])
    assert len({v.text for v in found}) == 10
    assert "A Latino male nurse met a Latino man." in texts(found)
    assert "An African American male nurse met an African American man." in texts(found)


def test_what_is_neither_text_nor_record_is_an_error() -> None:
    with pytest.raises(InputError, match="text or a record"):
        vary(3, "race")  # type: ignore[arg-type]


THREE = leanfair.attribute("gender", values=["male", "female", "non-binary"])


@pytest.mark.parametrize(
    "texts",
    [
        ("A male nurse applied.", "A female nurse applied.", "A non-binary nurse applied."),
        ("Gender: Male", "Gender: Female", "Gender: Nonbinary"),
        ("Mr. Okafor is a man.", "Ms. Okafor is a woman.", "Mx. Okafor is a non-binary person."),
        ("Pronouns: he/him", "Pronouns: she/her", "Pronouns: they/them"),
    ],
)
def test_three_genders_are_varied_where_they_are_asked_for(texts: tuple[str, ...]) -> None:
    for text in texts:
        assert {v.text for v in vary(text, THREE)} == set(texts)


@pytest.mark.parametrize("text", ["She applied.", "His wife called.", "Emily Clark applied."])
def test_what_has_no_form_for_three_genders_is_told(text: str) -> None:
    (alone,) = vary(text, THREE)
    assert "has no counterpart" in alone.note


def test_a_text_changes_with_a_field_of_three_genders() -> None:
    three = leanfair.attribute("gender", values=["Male", "Female", "Nonbinary"])
    found = vary({"sex": "Female", "note": "A woman from Ohio."}, three)
    assert {(v.record["sex"], v.record["note"]) for v in found if v.record} == {
        ("Male", "A man from Ohio."),
        ("Female", "A woman from Ohio."),
        ("Nonbinary", "A non-binary person from Ohio."),
    }
