"""Race with the names that tell it, and gender without its names."""

from __future__ import annotations

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import NAMES
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.lexicon.with_names import people_names, with_names, without_names

RACE = load_attribute("race")


def test_race_has_the_values_that_the_lists_of_names_know() -> None:
    assert with_names(RACE).axes == (("black", "white", "asian", "hispanic"),)


def test_each_name_tells_the_race_that_it_has_in_the_lists() -> None:
    made, names = with_names(RACE), people_names()
    for written in ("Jamal", "Lakisha", "Emily", "Mei", "Washington", "Garcia", "Walsh", "Chen"):
        entry = next(e for e in names.surfaces[written] if e.row.kind in NAMES)
        (mine,) = (e for e in made.surfaces[written] if e.row.kind in NAMES)
        assert made.axes[0][mine.cell[0]] == names.axes[0][entry.cell[0]]


def test_a_row_of_names_holds_one_gender() -> None:
    gender = {
        term: entry.cell[-1]
        for term, entries in people_names().surfaces.items()
        for entry in entries
        if entry.row.kind == "name"
    }
    for row in with_names(RACE).rows:
        if row.kind == "name" and row.axes:
            assert len({gender[forms[""]] for forms in row.cells.values()}) == 1


def test_terms_of_other_races_stand_without_a_counterpart() -> None:
    entries = with_names(RACE).surfaces["Native American"]
    assert entries
    assert not any(entry.row.paired for entry in entries)


def test_gender_without_names_is_told_by_its_words() -> None:
    made = without_names(load_attribute("gender"))
    assert "Emily" not in made.surfaces
    assert "she" in made.surfaces


def test_an_attribute_of_names_alone_cannot_go_without() -> None:
    with pytest.raises(InputError, match="names alone"):
        without_names(load_attribute("name"))


def test_an_attribute_whose_names_change_already_takes_no_more() -> None:
    with pytest.raises(InputError, match="already"):
        with_names(load_attribute("gender"))
