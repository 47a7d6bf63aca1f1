"""Flips as they read: the words that differ are marked, and no letter is lost."""

from __future__ import annotations

from typing import Any

from leanfair.fairness.report.examples import LONG, MOST, cut, examples, excerpt
from leanfair.fairness.report.page import render
from tests.support.audits import audited, derived
from tests.support.pages import Page


def test_examples_have_both_texts_with_the_changed_words_marked() -> None:
    found = examples(audited("all rules"))
    assert 0 < len(found) <= MOST
    marked = [[words for words, mark in side.pieces if mark] for side in found[0].sides]
    assert sorted(marked) == [["black"], ["white"]]
    assert {side.favourable for side in found[0].sides} == {True, False}


def test_other_values_are_listed() -> None:
    assert "P(yes) = " in examples(audited("many values"))[0].others


def test_a_text_of_the_page_is_that_of_the_summary() -> None:
    text = audited("all rules")["flips"]["examples"][0]["variations"][0]["text"]
    assert " ".join(text.split()) in Page(render(audited("all rules"))).text


def test_long_texts_are_shown_around_what_changed() -> None:
    def lengthen(summary: Any) -> None:
        for one in summary["flips"]["examples"][0]["variations"]:
            one["text"] += " word" * LONG

    assert Page(render(derived("all rules", lengthen))).text.count("The whole text") == 2
    text = "word " * 900 + "white man" + " word" * 900
    pieces = excerpt(text, [(4500, 4505)])
    assert sum(len(words) for words, _ in pieces) < 400
    assert ("white", True) in pieces


def test_cutting_keeps_the_text() -> None:
    assert "".join(words for words, _ in cut("abcdef", [(1, 2), (4, 9)])) == "abcdef"
