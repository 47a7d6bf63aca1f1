"""A finished comparison writes itself, and replaces nothing that it did not write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leanfair.errors import InputError, RunDirectoryError
from tests.support.pairs import small_comparison


def test_what_is_written_is_the_summary(tmp_path: Path) -> None:
    found = small_comparison()
    assert found.write(tmp_path / "c") == tmp_path / "c"
    assert json.loads((tmp_path / "c" / "summary.json").read_text()) == found.to_dict()
    assert (tmp_path / "c" / "report.html").read_text().startswith("<!doctype html>")
    found.write(tmp_path / "c")  # its own directory is written again


def test_a_page_goes_into_a_directory_or_a_file(tmp_path: Path) -> None:
    found = small_comparison()
    assert found.report(tmp_path) == tmp_path / "report.html"
    assert found.report(tmp_path / "a.html") == tmp_path / "a.html"


def test_without_a_directory_there_is_one_sentence() -> None:
    with pytest.raises(InputError, match="has no directory"):
        small_comparison().write()


def test_somebody_s_files_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(RunDirectoryError, match="did not write"):
        small_comparison().write(tmp_path)
    assert (tmp_path / "summary.json").read_text() == "{}"
