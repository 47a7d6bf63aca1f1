"""The page of a comparison, read as a browser would."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

from leanfair.comparison.report.page import render, write_report
from tests.support.pages import EVIL, Page
from tests.support.pairs import small_comparison


def test_the_headline_is_on_top_and_the_page_is_whole(tmp_path: Path) -> None:
    summary = small_comparison().summary
    page = Page(write_report(summary, tmp_path / "report.html").read_text("utf-8"))
    assert page.all("h1") == [summary["headline"][0]]
    assert "How well each answers" in page.all("h2")
    assert page.all("script") == []


def test_no_text_gets_through_unescaped() -> None:
    summary = deepcopy(small_comparison().summary)
    summary["headline"] = [EVIL, EVIL]
    summary["parent"]["name"] = summary["child"]["name"] = EVIL
    summary["notes"], summary["missing"] = [EVIL], {EVIL: EVIL}
    assert EVIL not in render(summary)
    assert "<script" not in render(summary)
