"""The data files of the lexicons, and a user's own, are read as they are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.lexicon.files import read_file, read_lexicon


def test_yes_no_on_and_off_are_words(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("values: [yes, no, on, off]\nnumber: 3\n")
    assert read_file(path) == {"values": ["yes", "no", "on", "off"], "number": 3}


def test_a_packaged_file_is_read_by_its_name() -> None:
    assert read_lexicon("race")["name"] == "race"


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    for number in (1, 2):
        path.write_text(f"number: {number}")
        assert read_file(path) == {"number": number}


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "is not YAML"), ("- a\n- b", "has to be a mapping"), ("", "has to be a mapping")],
)
def test_what_is_no_mapping_is_refused_by_its_path(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"own\.yaml.* {said}"):
        read_file(path)


def test_no_code_is_run(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("a: !!python/object/apply:os.getcwd []")
    with pytest.raises(InputError, match="has an anchor, an alias or a tag"):
        read_file(path)
