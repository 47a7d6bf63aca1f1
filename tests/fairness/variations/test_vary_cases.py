"""Hand-checked variations: tests/fairness/cases/*.yaml, one attribute a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute
from leanfair.fairness.variations.vary import vary

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""In C where it is there, in a tenth of the time."""
CASES = Path(__file__).parent / "cases"


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER):
            found.append(pytest.param(path.stem, case, id=f"{path.stem}: {case['text']}"))
    return found


@pytest.mark.parametrize(("attribute", "case"), cases())
def test_a_text_has_the_variations_checked_by_hand(attribute: str, case: dict[str, str]) -> None:
    text = case["text"]
    found = vary(text, attribute)
    assert [v.text for v in found if v.original] == [text]
    if "alone" in case:
        assert [v.text for v in found] == [text]
        assert case["alone"] in vary(text, attribute)[0].note
        return
    wanted = {value: told for value, told in case.items() if value != "text"}
    assert {v.value: v.text for v in found if not v.original} == wanted
    assert [v.value for v in found] == [v.name for v in load_attribute(attribute).values]
    assert vary(text, attribute)[0].note == ""


@pytest.mark.parametrize(("attribute", "case"), cases())
def test_every_hand_checked_variation_leads_back_to_the_same_set(
    attribute: str, case: dict[str, str]
) -> None:
    full = {v.text for v in vary(case["text"], attribute)}
    for text in full:
        assert {v.text for v in vary(text, attribute)} == full


def test_there_are_hundreds_of_cases_for_all_attributes() -> None:
    assert {path.stem for path in CASES.glob("*.yaml")} == set(ATTRIBUTES)
    assert len(cases()) >= 400
