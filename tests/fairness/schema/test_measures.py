"""The entries are documented key by key, and what lacks a key is none of them."""

from __future__ import annotations

from leanfair.fairness.schema import measures
from tests.support.schemas import misfits, undocumented


def test_every_class_and_every_key_is_documented() -> None:
    assert undocumented(measures) == []


def test_a_missing_key_is_told() -> None:
    assert misfits({"value": 1.0, "low": 0.0}, measures.Interval)
