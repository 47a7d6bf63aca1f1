"""A run's page links to its comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.pruning.report.comparison import FILE, read_comparison, write_comparison
from tests.support.nets import samples, tiny
from tests.support.pages import EVIL, Page

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2}


SHORT: dict[str, Any] = {"seconds": 0, "attacks": False, "corruptions": False}


def test_the_page_has_the_headline_and_the_link_and_keeps_them(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), out=tmp_path, **QUICK)
    found = leanfair.compare(tmp_path, test=samples(32, seed=1), **SHORT)
    assert found.path == tmp_path / "comparison"
    for _ in range(2):
        page = Page((tmp_path / "report.html").read_text("utf-8"))
        assert page.all("a", href="comparison/report.html") == ["The whole comparison"]
        assert found.summary["headline"][0] in page.text
        run.report()
    leanfair.compare(tmp_path, test=samples(32, seed=1), **SHORT)  # compared again, written again


def test_a_comparison_elsewhere_is_linked_to(tmp_path: Path) -> None:
    leanfair.prune(tiny(), calibration=samples(16), out=tmp_path / "run", **QUICK)
    leanfair.compare(tmp_path / "run", test=samples(32, seed=1), **SHORT, out=tmp_path / "other")
    page = Page((tmp_path / "run" / "report.html").read_text("utf-8"))
    assert page.all("a", href="../other/report.html")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"headline": "a", "page": "b"}'])
def test_a_file_that_cannot_be_read_is_no_comparison(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert read_comparison(tmp_path) is None


def test_no_address_of_something_else_gets_through(tmp_path: Path) -> None:
    write_comparison(tmp_path, {"headline": [EVIL], "page": "javascript:alert(1)"})
    found = read_comparison(tmp_path)
    assert found is not None
    assert ":" not in found["page"]
