"""The report of an audit: what it must say, and what it must not do."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.fairness.report.page import render, write_report
from leanfair.fairness.schema import Summary
from tests.support.audits import AUDITS, audited, derived
from tests.support.pages import EVIL, Page

KEEP = {"rules", "rule", "created", "kind", "favourable", "status", "calibration", "four_fifths"}
"""What a summary holds of few possible texts, and no text of a user."""


def hostile() -> Summary:
    """Every text that a user or a model wrote is one that would break a page."""

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v if k in KEEP else spoiled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [spoiled(each) for each in value]
        return f"{value}{EVIL}" if isinstance(value, str) else value

    def spoil(summary: Any) -> None:
        plain = copy.deepcopy(summary)
        summary |= spoiled(summary)
        summary["groups"] = {f"{name}{EVIL}": one for name, one in plain["groups"].items()}

    return derived("all rules", spoil)


SUMMARIES = {**{name: lambda name=name: audited(name) for name in AUDITS}, "hostile": hostile}


@pytest.fixture(params=SUMMARIES, scope="module")
def source(request: pytest.FixtureRequest) -> str:
    return render(SUMMARIES[request.param]())


def page(name: str) -> Page:
    return Page(render(audited(name)))


# ---- any page -----------------------------------------------------------------------------------


def test_is_well_formed_and_every_drawing_is_xml(source: str) -> None:
    found = Page(source)
    assert len(found.all("h1")) == 1
    assert found.drawings
    ids = re.findall(r'\bid="([^"]+)"', source)
    assert len(ids) == len(set(ids))


def test_needs_no_network_and_runs_no_script(source: str) -> None:
    found = Page(source)
    assert not found.all("script")
    assert not found.all("link")
    assert not re.search(r'(?:src|href)="', source)
    assert not re.search(r"url\(|@import", source)
    assert "default-src 'none'" in source


def test_says_nothing_that_it_must_not(source: str) -> None:
    text = Page(source).text.lower()
    assert "violat" not in text
    for word in ("nan", "none%", "undefined", "inf "):
        assert f" {word}" not in text
    assert "{'" not in text


def test_states_its_limits(source: str) -> None:
    text = Page(source).text
    for words in ("by construction", "Proxies remain", "legal advice"):
        assert words in text
    assert ("Labels may be biased" in text) != ("Nobody says what is right" in text)


# ---- what is shown ------------------------------------------------------------------------------


def test_tiles() -> None:
    summary = audited("all rules")
    shown = page("all rules").all("dd", class_="change")
    assert shown[0] == f"{100 * (summary['flip_rate']['none'] or 0):.1f}%"
    assert shown[3:] == ["100.0%", "0.0%", "2×"]
    assert "0 refused, 0 unparsed" in page("all rules").text


def test_the_grouping_by_the_attribute_comes_first() -> None:
    found = page("intersections")
    assert [h for h in found.all("h3") if h.startswith("By ")] == [
        "By race", "By sex", "By sex & race",
    ]  # fmt: skip


def test_small_and_single_groups_are_shown_but_set_aside() -> None:
    rows = page("twelve groups").all("tr", class_="aside")
    assert any("Tiny" in row and "set aside" in row for row in rows)
    rows = page("odd groups").all("tr", class_="aside")
    assert any("female & white" in row for row in rows)
    assert any(row.startswith("unknown2") for row in rows)


def test_every_pair_is_in_the_table() -> None:
    assert sum("→" in row for row in page("many values").all("tr")) == 10


def test_every_rule_has_a_place_in_the_frontier_and_in_the_table() -> None:
    found = page("all rules")
    heads = found.all("th", scope="col")
    start = heads.index("Groups by race") + 1
    assert heads[start:] == ["as it stands", "mean", "vote", "abstain", "blind"]
    wide = next(d for d in found.drawings if "Accuracy against" in "".join(d.itertext()))
    drawn = "".join(wide.itertext())
    for rule in ("as it stands · 1×", "abstain · 2×", "blind · 1×"):
        assert rule in drawn


def test_a_missing_metric_has_its_reason() -> None:
    found = page("no positives")
    assert "Group 'black' has no row whose label is 'yes'" in found.text
    assert "parts not known" in page("another column").text


def test_where_nothing_was_answered_nothing_is_said() -> None:
    found = page("silent")
    assert found.all("h1") == [
        "Nothing can be said about whether this judge decides by race: none of 120 rows was "
        "answered."
    ]
    assert "Value against value" not in found.text
    assert 'id="parts"' not in found.source


def test_without_an_attribute_flips_and_parts_are_left_out() -> None:
    found = page("no attribute")
    assert "not asked" in found.text
    assert 'id="flips"' not in found.source
    assert 'id="parts"' not in found.source


@pytest.mark.parametrize("name", ["batch", "contextual"])
def test_the_prior_of_a_calibrated_judge_is_on_the_page(name: str) -> None:
    prior = audited(name)["judge"]["prior"]
    assert prior
    shown = ", ".join(f"{option} {share:.3f}" for option, share in prior.items())
    assert f"prior{shown}" in page(name).all("div")
    assert "prior" not in page("all rules").all("dt")


def test_hostile_texts_are_escaped() -> None:
    source = render(hostile())
    assert "<script" not in source
    assert "alert(" in source


# ---- files --------------------------------------------------------------------------------------


def test_the_summary_is_left_as_it_is() -> None:
    summary = audited("intersections")
    before = copy.deepcopy(summary)
    render(summary)
    assert summary == before


def test_writes_the_file(tmp_path: Path) -> None:
    target = write_report(audited("fair"), tmp_path / "report.html")
    assert target.read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(RunDirectoryError):
        write_report(audited("fair"), tmp_path / "report.html" / "below.html")


def test_loads_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, leanfair.fairness.report.page;"
        "print([m for m in ('torch', 'pandas', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
