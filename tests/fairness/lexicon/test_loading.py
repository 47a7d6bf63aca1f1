"""The lexicons: what they say of themselves, and that each term has one place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute
from leanfair.fairness.variations.vary import vary


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
    assert "'war hero'" in vary("He is a war hero.", path)[0].note
    assert "does not tell" in vary("Nobody spoke.", path)[0].note


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
        (
            "values: [a, b]\nrows:\n  - word: [x, y]\nprotected: White House",
            "at protected, input should be a valid list",
        ),
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


def test_varying_loads_no_torch_and_no_numpy() -> None:
    code = (
        "import sys; from leanfair.fairness.variations.vary import vary;"
        "vary('He is Black.', 'race');"
        "print([m for m in ('torch', 'numpy', 'pandas', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_has_changed_is_another_attribute(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("values: [left, right]\nrows:\n- word: [Labour, Tory]")
    first = load_attribute(path)
    assert load_attribute(str(path)) is first
    path.write_text("values: [left, right]\nrows:\n- word: [Greens, Liberals]")
    assert vary("The Greens spoke.", path)[1].text == "The Liberals spoke."
    assert vary("Labour spoke.", path)[0].note == "the text does not tell own"
