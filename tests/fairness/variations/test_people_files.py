"""Texts and records as files of hiring and lending hold them, written for this and read by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import leanfair
from leanfair.fairness.variations.vary import vary

ITEMS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("people_files.yaml").read_text(encoding="utf-8")
) + yaml.safe_load(Path(__file__).with_name("people_named.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", ITEMS, ids=lambda case: f"{case['of']}: {case['item']}"[:60])
def test_an_item_is_read_as_by_hand(case: dict[str, Any]) -> None:
    found = vary(case["item"], leanfair.attribute(case["of"]))
    assert found[0].reading == case["reading"]
    assert (case["reading"] == "half understood") == bool(found[0].unread)
    others = [variation.item for variation in found if not variation.original]
    assert "other" not in case or case["other"] in others
