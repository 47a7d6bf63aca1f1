"""Names stand for one group, and change for names that are as long."""

from __future__ import annotations

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.variations.vary import vary


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
