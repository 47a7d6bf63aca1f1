"""An attribute: each term has one place, so that the way back is always known."""

from __future__ import annotations

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute, check, forms_of, row_of
from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute


def colour(*rows: tuple[str, str]) -> Attribute:
    return Attribute("colour", (("red", "blue"),), tuple(row_of("word", row) for row in rows))


def test_a_term_that_stands_twice_is_refused_by_name() -> None:
    check(colour(("red", "blue"), ("crimson", "navy")), "own.yaml")
    for rows in ([("red", "blue"), ("red", "navy")], [("red", "red")]):
        with pytest.raises(InputError, match=r"own\.yaml: 'red' stands twice"):
            check(colour(*rows), "own.yaml")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_value_is_found_by_its_name_and_by_its_terms_capitals_aside(name: str) -> None:
    attribute = load_attribute(name)
    for cell, value in zip(attribute.cells, attribute.values, strict=True):
        assert attribute.find_value(value.name) == cell
        assert attribute.find_value(f" {value.name.upper()} ") == cell
    names = {value.name.lower() for value in attribute.values}
    seen: set[str] = set()
    for cell, value in zip(attribute.cells, attribute.values, strict=True):
        for term in value.terms:
            if term.lower() not in names | seen:
                assert attribute.find_value(term) == cell
            seen.add(term.lower())


def test_a_value_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"'green'; it has red, blue"):
        colour(("red", "blue")).find_value("green")


def test_the_forms_of_a_row_are_derived_where_they_are_not_given() -> None:
    assert forms_of("noun", "lady") == {"one": "lady", "many": "ladies"}
    assert forms_of("person", "man/men") == {"one": "man", "many": "men"}
    assert forms_of("person", "man/men", only="plural") == {"many": "men"}
    assert forms_of("person", "man/men", only="singular") == {"one": "man"}
    assert forms_of("adjective", "blond/blonde") == {"": "blond", "feminine": "blonde"}
    assert forms_of("record", "Asian/Pacific") == {"": "Asian/Pacific"}


def test_longer_terms_are_tried_first() -> None:
    attribute = colour(("deep red", "blue"), ("deep", "light"))
    assert attribute.lengths["deep"] == (2, 1)
    assert {"Deep red", "DEEP RED", "deep red"} <= set(attribute.surfaces)
