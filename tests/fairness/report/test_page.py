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
from leanfair.fairness.report.examples import cut, excerpt
from leanfair.fairness.report.page import render, write_report
from leanfair.fairness.report.words import p_value
from tests.support.audits import Summary, audit, flip, nothing, silent
from tests.support.pages import EVIL, Page

TWELVE = tuple(f"Group number {i}" for i in range(12))
INTERSECTIONS = (
    ("sex", ("Female", "Male")),
    ("race", ("Black", "White")),
    ("sex & race", ("Female & Black", "Female & White", "Male & Black", "Male & White")),
)


def lacking() -> Summary:
    found = audit()
    why = nothing("group 'Black' has no row whose label is 'yes'")
    found["groupings"][0]["metrics"]["equal_opportunity_difference"]["none"] = why
    found["groupings"][0]["gains"]["equal_opportunity_difference"]["mean"] = why
    found["groupings"][0]["decomposition"]["Black"] |= {"direct": why, "rest": why}
    return found


def hostile() -> Summary:
    """Every text is one that would break a page."""

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: spoiled(v) if k not in KEEP else v for k, v in value.items()}
        if isinstance(value, list):
            return [spoiled(each) for each in value]
        return f"{value}{EVIL}" if isinstance(value, str) else value

    found = audit(
        groupings=[("race", (f"Black{EVIL}", f"White{EVIL}"))], examples=[flip("A {} man." + EVIL)]
    )
    groups = {name: copy.deepcopy(one) for name, one in found["groups"].items()}
    grouping = found["groupings"][0]
    spoilt: Summary = spoiled(found)
    return {**spoilt, "groups": groups, "groupings": [grouping]}


KEEP = {"rules", "rule", "created", "kind", "favourable", "status"}

CASES = {
    "two groups": audit,
    "plain": lambda: audit(values=()),
    "mitigated": lambda: audit(rules=("none", "mean"), rule="mean"),
    "twelve groups": lambda: audit([("race", TWELVE)], values=[f"value {i}" for i in range(12)]),
    "intersections": lambda: audit(INTERSECTIONS),
    "no placebo": lambda: audit(placebo=None),
    "silent": silent,
    "lacking": lacking,
    "hostile": hostile,
    "examples": lambda: audit(examples=[flip(), flip("word " * 900 + "{} man" + " word" * 900)]),
    "one group": lambda: audit([("race", ("All",))]),
}


@pytest.fixture(params=CASES, scope="module")
def source(request: pytest.FixtureRequest) -> str:
    return render(CASES[request.param]())


def page(found: Summary) -> Page:
    return Page(render(found))


# ---- any page -----------------------------------------------------------------------------------


def test_is_well_formed_and_every_drawing_is_xml(source: str) -> None:
    found = Page(source)
    assert len(found.all("h1")) == 1
    assert found.drawings
    names = re.findall(r'\bid="([^"]+)"', source)
    assert len(names) == len(set(names))


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
    for words in ("by construction", "Proxies remain", "legal advice", "Labels may be biased"):
        assert words in text


# ---- the headline -------------------------------------------------------------------------------


def headline(**about: Any) -> str:
    return page(audit(**about)).all("h1")[0]


def test_headline_has_the_direction() -> None:
    assert headline() == (
        "Changing only the stated race changes 18.0% of this judge’s decisions, all of them in "
        "favour of “white”."
    )
    assert "in favour of “black”" in headline(effect=-0.14)


def test_headline_does_not_claim_what_the_placebo_explains() -> None:
    found = page(audit(flips=0.12, placebo=0.10, effect=0.01, p=0.6))
    assert found.all("h1") == ["No evidence that this judge decides by the stated race."]
    assert "no proof that it does not" in found.text
    assert "up to 9.0 points would not have been ruled out" in found.text


def test_a_direction_is_evidence_where_the_placebo_flips_as_often() -> None:
    found = page(audit(flips=0.12, placebo=0.10))
    assert "in favour of “white”" in found.all("h1")[0]
    assert "That alone is no evidence; that the flips have a direction is." in found.text


def test_without_placebo_and_direction_nothing_is_claimed() -> None:
    assert "this audit cannot tell" in headline(placebo=None, p=0.5)
    assert headline(placebo=None, p=0.5, flips=0.0).startswith("No evidence")


def test_several_values() -> None:
    assert headline(values=("black", "white", "asian"), effect=0.3).endswith(
        "most of all in favour of “white” over “black”."
    )


def test_a_plain_judge_is_told_of_gaps_alone() -> None:
    found = page(audit(values=()))
    assert "unequally often, by up to 25.0 points" in found.all("h1")[0]
    assert "not asked" in found.text
    assert 'id="flips"' not in found.source
    assert 'id="parts"' not in found.source


def test_a_mitigated_judge_is_not_blamed_for_its_base() -> None:
    found = page(audit(rules=("none", "mean"), rule="mean"))
    assert found.all("h1")[0].startswith("Without its rule mean, changing only")
    assert "Audited: the judge under the rule mean. The demographic parity difference" in found.text


def test_where_nothing_was_answered_nothing_is_said() -> None:
    found = page(silent())
    assert found.all("h1") == [
        "Nothing can be said about whether this judge decides by race: none of 160 rows was "
        "answered."
    ]
    assert "Value against value" not in found.text
    assert 'id="parts"' not in found.source
    assert "Of 80 rows of group 'Black' only 0 were answered" in found.text


# ---- what is shown ------------------------------------------------------------------------------


def test_tiles() -> None:
    found = page(audit())
    assert found.all("dd", class_="change") == ["18.0%", "−4.0", "+2.0", "1.9%", "2×"]
    assert "placebo 4.0%" in found.text
    assert "2 refused, 1 unparsed" in found.text


def test_the_grouping_by_the_attribute_comes_first() -> None:
    found = page(audit(INTERSECTIONS))
    assert [h for h in found.all("h3") if h.startswith("By ")] == [
        "By race", "By sex", "By sex & race",
    ]  # fmt: skip


def test_small_groups_are_shown_but_set_aside() -> None:
    found = page(audit([("race", TWELVE)]))
    rows = found.all("tr", class_="aside")
    assert any("Group number 0" in row and "set aside" in row for row in rows)
    assert any("Hermit" in row for row in rows)
    assert any(row.startswith("unknown4") for row in rows)


def test_all_pairs_are_in_the_table_and_the_greatest_are_drawn() -> None:
    found = page(audit(values=[f"v{i}" for i in range(12)]))
    assert "The 12 greatest of 66 pairs." in found.text
    assert sum("→" in row for row in found.all("tr")) == 66


def test_every_rule_has_a_place_in_the_frontier_and_in_the_table() -> None:
    found = page(audit())
    heads = found.all("th", scope="col")
    start = heads.index("Groups by race") + 1
    assert heads[start:] == ["as it stands", "mean", "vote", "gate", "abstain", "blind"]
    wide = next(d for d in found.drawings if "Accuracy against" in "".join(d.itertext()))
    drawn = "".join(wide.itertext())
    for rule in ("as it stands · 1×", "mean · 2×", "vote · 2×", "blind · 1×"):
        assert rule in drawn


def test_rules_that_decide_alike_share_a_mark() -> None:
    found = audit()
    for metrics in (found["groupings"][0]["metrics"], found["metrics"]):
        for name in ("demographic_parity_difference", "accuracy"):
            if name in metrics:
                metrics[name]["gate"] = metrics[name]["mean"]
    assert "mean, gate · 2×" in render(found)


def test_a_missing_metric_has_its_reason() -> None:
    found = page(lacking())
    assert "Group 'Black' has no row whose label is 'yes'" in found.text
    assert "parts not known" in found.text


def test_how_it_was_done() -> None:
    told = page(audit()).all("div")
    for name, value in (
        ("prompt hash", "3ca0c28e511687ff"),
        ("revision", "9f1c2a"),
        ("seed", "7"),
        ("lexicon", "race 1.0"),
        ("calibration", "batch (prior 0.600, 0.400)"),
        ("forward passes", "480, of which 160 now"),
        ("date", "2026-03-04 10:11:12 UTC"),
        ("intervals", "95%, 2,000 resamples"),
        ("options", "yes (yes, Yes); no"),
    ):
        assert f"{name}{value}" in told


# ---- examples -----------------------------------------------------------------------------------


def test_examples_have_both_texts_with_the_changed_words_marked() -> None:
    found = page(audit(examples=[flip()]))
    assert found.all("mark") == ["black", "white"]
    assert "He is a white man from Ohio." in found.text
    assert "asian: yes (P(yes) = 0.40)" in found.text


def test_long_texts_are_shown_around_what_changed() -> None:
    text = "word " * 900 + "white man" + " word" * 900
    pieces = excerpt(text, [(4500, 4505)])
    assert sum(len(words) for words, _ in pieces) < 400
    assert ("white", True) in pieces
    assert page(CASES["examples"]()).text.count("The whole text") == 2


def test_cutting_keeps_the_text() -> None:
    assert "".join(words for words, _ in cut("abcdef", [(1, 2), (4, 9)])) == "abcdef"


def test_hostile_texts_are_escaped() -> None:
    source = render(hostile())
    assert "<script" not in source
    assert "alert(" in source


# ---- words and files ----------------------------------------------------------------------------


def test_p_values() -> None:
    assert [p_value(p) for p in (0.0, 0.0123, 0.25, None)] == ["< 0.001", "0.012", "0.25", "—"]


def test_the_summary_is_left_as_it_is() -> None:
    found = audit(INTERSECTIONS, examples=[flip()])
    before = copy.deepcopy(found)
    render(found)
    assert found == before


def test_writes_the_file(tmp_path: Path) -> None:
    target = write_report(audit(), tmp_path / "report.html")
    assert target.read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(RunDirectoryError):
        write_report(audit(), tmp_path / "report.html" / "below.html")


def test_loads_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, leanfair.fairness.report.page;"
        "print([m for m in ('torch', 'pandas', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
