"""A finished run writes its page where it is told, or into its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from tests.support.nets import samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2}


def test_the_page_goes_into_the_directory_of_the_run(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), out=tmp_path, **QUICK)
    (tmp_path / "report.html").unlink()
    assert run.report() == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_without_a_directory_it_must_be_told_where(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), **QUICK)
    with pytest.raises(InputError, match=r"report\('page.html'\)"):
        run.report()
    assert run.report(tmp_path / "page.html").exists()
