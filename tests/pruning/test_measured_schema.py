"""The measured keys of a summary: those of one measure are filled, those of the others are null."""

from __future__ import annotations

import pytest

from leanfair.pruning.measured_schema import Measured
from tests.support.summaries import produced

KEYS = {
    "images": ("accuracy", {"balanced_accuracy", "classes", "worst_class"}),
    "language": ("perplexity", {"stock"}),
    "regression": ("error", set[str]()),
    "embedding": ("similarity", {"stock"}),
}


@pytest.mark.parametrize("kind", KEYS)
def test_one_measure_is_taken_and_the_others_are_null(kind: str) -> None:
    name, more = KEYS[kind]
    found = produced(kind)
    always = {"problem", "quality", "notes", "energy", "layout"}
    filled = {name, f"{name}_change", f"calibration_{name}", *more, *always}
    assert found["quality"] == name
    known = {key for key in Measured.__annotations__ if found[key] is not None}  # type: ignore[literal-required]
    assert known == filled


def test_the_worst_class_is_the_one_that_fell_most() -> None:
    found = produced("images")
    assert found["classes"] is not None
    assert found["balanced_accuracy"] is not None
    falls = {each["name"]: each["after"] - each["before"] for each in found["classes"]}
    assert found["worst_class"] is not None
    assert falls[found["worst_class"]["name"]] == min(falls.values())
    mean = sum(each["after"] for each in found["classes"]) / len(falls)
    assert found["balanced_accuracy"]["after"] == pytest.approx(mean)
