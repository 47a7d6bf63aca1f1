"""The summary: every interval stands beside its number, and what was audited is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from leanfair.fairness.types import Answer
from tests.support.judges import (
    FAST,
    Scripted,
    biased,
    judge,
    people,
    run,
    said,
)


def intervals(found: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every interval in a summary."""
    if isinstance(found, Mapping):
        if {"value", "low", "high"} <= set(found):
            yield path, found
        for key, value in found.items():
            yield from intervals(value, f"{path}/{key}")
    elif isinstance(found, list):
        for i, value in enumerate(found):
            yield from intervals(value, f"{path}/{i}")


def test_failed_requests_are_counted_and_told() -> None:
    def failing(item: Any) -> Answer:
        return Answer("failed") if item["score"] < 0.05 else said("yes")

    found = run(Scripted(failing), people(200)).summary
    assert found["outcomes"]["none"]["failed"] > 0
    assert found["outcomes"]["mean"]["failed"] == found["outcomes"]["none"]["failed"]
    assert any("failed" in note for note in found["notes"])
    assert found["flips"]["comparable"] < 200


def test_every_interval_belongs_to_the_number_it_stands_beside() -> None:
    found = run(judge(biased("black", 0.1, 0.1)), people(), group=["race", "sex"]).summary
    seen = 0
    for path, one in intervals(found):
        if one["value"] is None:
            assert one["reason"], path
        else:
            assert one["low"] <= one["value"] <= one["high"], path
            seen += 1
    assert seen > 200
    for name in ("accuracy", "flip_rate"):
        assert found[name] == {rule: one["value"] for rule, one in found["metrics"][name].items()}
    for rule, one in found["gains"]["demographic_parity_difference"].items():
        parity = found["metrics"]["demographic_parity_difference"]
        assert one["value"] == pytest.approx(parity["none"]["value"] - parity[rule]["value"])


def test_summary_says_what_was_audited_and_how() -> None:
    found = run(judge(biased(), name="toy", revision="r1"), people(), seed=3).summary
    assert (found["model"], found["revision"]) == ("toy", "r1")
    assert found["prompt_hash"]
    assert found["lexicons"]["race"]
    assert found["created"]
    assert found["settings"]["seed"] == 3
    assert found["settings"]["bootstrap"] == FAST
    assert found["data"] == {"name": "table", "rows": 120, "persons": 120}
    assert found["flips"]["examples"] == []
    flipped = run(judge(biased("black", 0.2)), people()).summary["flips"]["examples"]
    assert 0 < len(flipped) <= 12
    assert {one["original"] for one in flipped[0]["variations"]} == {True, False}
