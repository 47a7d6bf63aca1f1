"""Any callable may be a model, if it returns probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.judge import Judge


def answers(function: Any, n: int = 4, **more: Any) -> list[Any]:
    texts = [f"text {i}" for i in range(n)]
    return Judge(Function(function, **more), "{text}", ["yes", "no"]).answers(texts)


def test_less_than_all_of_the_probability_is_what_is_captured() -> None:
    found = answers(lambda texts: [[0.3, 0.1]] * len(texts))[0]
    assert found.probabilities == pytest.approx({"yes": 0.75, "no": 0.25})
    assert found.captured == pytest.approx(0.4)


def test_float32_that_sums_to_nearly_one_captures_all() -> None:
    row = np.float32([1 / 3, 2 / 3])
    assert answers(lambda texts: np.stack([row] * len(texts)))[0].captured == 1.0


def test_rows_of_nan_are_unparsed() -> None:
    found = answers(lambda texts: [[0.5, 0.5], [math.nan, math.nan], [0, 0], [1, 0]])
    assert [a.status for a in found] == ["answered", "unparsed", "unparsed", "answered"]


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (
            [[0.5, 0.5]],
            r"shape \[4, 2\] for 4 texts and the options yes, no, but returned \[1, 2\]",
        ),
        ([0.5] * 4, r"returned \[4\]"),
        (None, "returned NoneType"),
        ("yes", "returned str"),
        ([[0.5, 0.5]] * 3 + [[0.5]], "returned list"),
        ([[2.0, 1.0]] * 4, "summing to more than 1"),
        ([[1.5, -0.5]] * 4, "none below 0"),
        ([[math.inf, 0.0]] * 4, "probabilities"),
    ],
)
def test_what_are_no_probabilities_is_one_sentence(returned: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        answers(lambda texts: returned)


def test_an_error_at_once_is_the_callers_own() -> None:
    with pytest.raises(ZeroDivisionError):
        answers(lambda texts: 1 / 0)


def test_an_error_later_costs_its_own_batch_only() -> None:
    def flaky(texts: list[str]) -> list[list[float]]:
        if "text 2" in texts:
            raise ConnectionError("gone")
        return [[0.5, 0.5]] * len(texts)

    found = answers(flaky, batch_size=1)
    assert [a.status for a in found] == ["answered", "answered", "failed", "answered"]
    assert found[2].text == "ConnectionError: gone"
