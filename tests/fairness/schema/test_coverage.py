"""The entries are documented key by key."""

from __future__ import annotations

from leanfair.fairness.schema import coverage
from tests.support.schemas import misfits, undocumented


def test_every_class_and_every_key_is_documented() -> None:
    assert undocumented(coverage) == []


def test_a_missing_key_is_told() -> None:
    assert misfits({"reading": "left alone"}, coverage.Reason)
