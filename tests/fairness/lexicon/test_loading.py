"""The lexicons: what they say of themselves, and that each term has one place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import KINDS
from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute
from leanfair.fairness.mentions.kinds import RULES
from leanfair.fairness.variations.vary import note, tells, vary


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_lexicon_names_its_version_licence_source_values_and_terms(name: str) -> None:
    attribute = load_attribute(name)
    assert attribute.name == name
    assert attribute.version
    assert attribute.licence
    assert attribute.source
    assert len(attribute.values) >= 2
    assert all(value.name and value.terms for value in attribute.values)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_terms_of_a_row_are_all_written_small_or_all_with_a_capital(name: str) -> None:
    for row in load_attribute(name).rows:
        forms: dict[str, set[bool]] = {}
        for cell in row.cells.values():
            for form, term in cell.items():
                forms.setdefault(form, set()).add(term[0].isupper())
        if row.kind not in ("country", "record"):
            assert all(len(capitals) == 1 for capitals in forms.values()), row


def test_race_has_the_five_groups_of_the_paper() -> None:
    names = [value.name for value in load_attribute("race").values]
    assert names == ["black", "white", "asian", "hispanic", "native american"]


def test_there_is_a_rule_for_every_kind_of_row() -> None:
    assert RULES.keys() == KINDS.keys()


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


def test_an_unknown_attribute_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(InputError, match="no attribute 'rase'; there are race, gender, age"):
        load_attribute("rase")


def test_a_users_own_attribute_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(
        "name: service\nversion: '2'\nlicence: CC0-1.0\nsource: ours\n"
        "values: [veteran, civilian, reservist]\n"
        "rows:\n  - noun: [veteran, civilian, reservist]\n"
        "  - record: [Veteran, Civilian, Reservist]\n"
        "unpaired:\n  - word: [war hero]\nprotected: [Veterans Day]\n"
    )
    text = "A veteran spoke on Veterans Day to two Civilians. Service: Veteran"
    assert [(v.value, v.text) for v in vary(text, path)] == [
        ("veteran", text),
        ("civilian", "A civilian spoke on Veterans Day to two Reservists. Service: Civilian"),
        ("reservist", "A reservist spoke on Veterans Day to two Veterans. Service: Reservist"),
    ]
    assert load_attribute(str(path)).version == "2"
    assert "'war hero'" in note("He is a war hero.", path)
    assert not tells("Nobody spoke.", path)


def test_the_shortest_attribute_is_values_with_their_words(tmp_path: Path) -> None:
    path = tmp_path / "party.yaml"
    path.write_text("values:\n  left: [Labour, lefty]\n  right: [Tory, righty]\n")
    assert [v.text for v in vary("A Labour voter, a lefty", path)] == [
        "A Labour voter, a lefty",
        "A Tory voter, a righty",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("values: [a]", "two values or more"),
        ("values: [a, b]", "no 'rows'"),
        ("values: [a, b]\nrows:\n  - word: [x]", "1 terms for 2 values"),
        ("values: [a, b]\nrows:\n  - wort: [x, y]", "a row needs one kind"),
        ("values: [a, b]\nrows:\n  - word: [x, y]\n  - word: [y, z]", "'y' stands twice"),
        ("values: [a, b]\nrows:\n  - word: [x, x]", "'x' stands twice"),
        ("values: {a: [x], b: [y, z]}", "the same number of terms"),
        ("values: [a, b]\nrows:\n  - word: [x, y]\nprotected: White House", "has to be a list"),
        ("- a\n- b", "has to be a mapping"),
        ("values: [a", "is not YAML"),
    ],
)
def test_a_faulty_file_is_an_error_that_says_what_is_wrong(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_attribute(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_attribute(tmp_path / "nothing.yaml")


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


def test_varying_loads_no_torch_and_no_numpy() -> None:
    code = (
        "import sys; from leanfair.fairness.variations.vary import vary;"
        "vary('He is Black.', 'race');"
        "print([m for m in ('torch', 'numpy', 'pandas', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
