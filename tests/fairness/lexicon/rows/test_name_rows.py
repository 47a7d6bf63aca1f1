"""Names stand in rows, each in one place only, from the chosen and the compiled lists."""

from __future__ import annotations

import time

import pytest

from leanfair.fairness.lexicon.files import read_names
from leanfair.fairness.lexicon.rows.name_rows import name_rows, surname_rows


def test_thousands_of_names_tell_race_and_gender_and_none_stands_twice() -> None:
    by_race = [row for row in name_rows((0, 1), None) if len(row.axes) == 2]
    firsts = [term for row in by_race for forms in row.cells.values() for term in forms.values()]
    lasts = [
        term
        for row in surname_rows(None)
        for forms in row.cells.values()
        for term in forms.values()
    ]
    assert len(firsts) > 2_000
    assert len(lasts) > 5_000
    assert len(set(firsts)) == len(firsts)
    assert len(set(lasts)) == len(lasts)
    assert not set(firsts) & set(lasts)  # or "Chen was polite" would be read as a first name


def test_a_gender_is_told_within_one_race() -> None:
    row = next(row for row in name_rows((0,), None) if row.cells[(1,)][""] == "Lakisha")
    assert row.cells[(0,)][""] == "Jermaine"


def test_surnames_without_a_counterpart_stand_alone() -> None:
    alone = {row.cells[()][""] for row in surname_rows(None) if not row.paired}
    assert alone == {name for line in read_names()["lone last"] for name in line[0].split()}


def test_words_months_peoples_and_places_are_no_names() -> None:
    terms = {
        term
        for row in name_rows((0, 1), None)
        if row.kind == "name"
        for forms in row.cells.values()
        for term in forms.values()
    }
    assert not terms & {"June", "April", "May", "Thai", "German", "Dallas", "Paris", "Hope", "Chad"}


@pytest.mark.real  # timed, so not for every change
def test_the_rows_are_built_in_a_moment() -> None:
    start = time.process_time()
    name_rows((0, 1), None)
    surname_rows(None)
    assert time.process_time() - start < 1
