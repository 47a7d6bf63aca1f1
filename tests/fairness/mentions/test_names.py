"""Names stand for one group, and change for names that are as long."""

from __future__ import annotations

import pytest

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.variations.vary import vary
from tests.support.mentions import told


def test_names_are_in_one_group_only_and_the_groups_are_of_one_size() -> None:
    attribute = load_attribute("name")
    rows = [row for row in attribute.rows if row.kind == "name" and len(row.axes) == 2]
    names = [term for row in rows for cell in row.cells.values() for term in cell.values()]
    assert len(rows) >= 30
    assert len(names) == 8 * len(rows) == len(set(names))


def test_words_that_are_taken_for_names_elsewhere_are_no_names() -> None:
    for attribute in ("name", "gender"):
        surfaces = load_attribute(attribute).surfaces
        assert not {"Go", "You", "May", "Don", "In", "Am", "Christian", "Jordan"} & surfaces.keys()


def count_letters(text: str) -> int:
    return len(text)


@pytest.mark.real
def test_names_change_for_names_of_the_same_number_of_tokens_as_far_as_the_lists_allow() -> None:
    def spread(attribute: str, counted: bool) -> int:
        loaded = load_attribute(attribute, count_letters if counted else None)
        rows = [row for row in loaded.rows if row.kind == "name"]
        lengths = [[len(cell[""]) for cell in row.cells.values()] for row in rows]
        return sum(max(each) - min(each) for each in lengths)

    for attribute in ("name", "gender"):
        assert spread(attribute, True) < spread(attribute, False) / 2
    text = "Jamal Washington said he was ill."
    full = {v.text for v in vary(text, "name", tokenizer=count_letters)}
    assert len(full) == 8
    for one in full:
        assert {v.text for v in vary(one, "name", tokenizer=count_letters)} == full


WHOLE = [
    ("Candidate Emily Clark applied.", ["Emily"]),
    ("Applicant Jamal Washington has a degree.", ["Jamal", "Washington"]),
    ("Both Darnell Roberson and Peter Huang applied.", ["Darnell", "Roberson", "Peter", "Huang"]),
    ("Washington, Lakisha", ["Washington", "Lakisha"]),
    ("Name: Washington, Lakisha M.", ["Washington", "Lakisha"]),
    ("Nguyen Van Minh applied.", ["Nguyen Van", "Minh"]),
    ("Emily R. Garcia applied.", ["Emily", "Garcia"]),
    ("DeShawn Jackson applied.", ["DeShawn", "Jackson"]),
    ("María Hernández applied.", ["María", "Hernández"]),
    ("Ms. Washington said she left.", ["Ms.", "Washington", "she"]),
    ("Emily Garcia-Lopez applied.", ["Emily", "Garcia", "Lopez"]),
    ("Mary-Jane Olson applied.", ["Mary", "Jane", "Olson"]),
]


@pytest.mark.parametrize(("text", "wanted"), WHOLE)
def test_a_name_is_read_whole_however_it_is_written(text: str, wanted: list[str]) -> None:
    assert told(text, "name") == wanted
    assert len(vary(text, "name")) == 8


@pytest.mark.parametrize(
    "text",
    ["He lives in San Jose.", "She left Fort Wayne.", "King James ruled.", "Kenya won.",
     "He is from Austin, Texas.", "The Emily Award", "Thomas Street is long."],
)  # fmt: skip
def test_places_and_rulers_are_nobodys_first_names(text: str) -> None:
    named = [word for word in told(text, "name") if word not in ("He", "She", "King")]
    assert named == []


@pytest.mark.parametrize("text", ["Xiaomu Chen applied.", "Jean-Paul Dupont applied."])
def test_a_name_that_is_known_in_part_is_told_and_not_varied(text: str) -> None:
    (alone,) = vary(text, "name")
    assert alone.note.startswith("the text tells name by ")


def test_a_surname_that_is_also_a_first_name_stays_a_surname() -> None:
    assert told("Emily Clark came. Clark was polite.", "name") == ["Emily"]
