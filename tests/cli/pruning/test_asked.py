"""What data a run was given is found again."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from leanfair.cli.pruning.asked import FILE, keep_asked, read_asked
from leanfair.cli.pruning.options import DataOptions
from leanfair.errors import RunDirectoryError
from leanfair.files.own_folder import claim


def test_what_was_asked_comes_back(tmp_path: Path) -> None:
    claim(tmp_path, "prune", ())
    how = DataOptions(mean=(0.5,), std=(0.25,), channels=1, augment=False)
    keep_asked(tmp_path, "digits", how, 3)
    assert read_asked(tmp_path) == ("digits", how, 3)
    keep_asked(tmp_path, str(tmp_path), DataOptions(), 0)  # a resumed run says it again
    assert read_asked(tmp_path) == (str(tmp_path.resolve()), DataOptions(), 0)


def test_a_run_of_python_tells_nothing(tmp_path: Path) -> None:
    assert read_asked(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", '{"data": "a", "options": {"new": 1}, "seed": 0}'])
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(RunDirectoryError):
        read_asked(tmp_path)


def test_a_run_alone_is_compared_on_its_own_data(
    finished: Any, leanfair: Any, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    copytree(finished[0], out)
    result = leanfair(
        "compare", out, "--seconds", 0, "--no-attacks", "--no-corruptions", "--threads", 1
    )
    assert result.exit_code == 0, result.output
    assert (out / "comparison" / "report.html").exists()
    assert "comparison/report.html" in (out / "report.html").read_text()
