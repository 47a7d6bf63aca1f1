"""Groups that are numbers: classes by cut points, asked for, and offered."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.errors import OptionError
from leanfair.fairness.tables.cuts import as_number, check_classes, classes_of, cuts_of, sensible


def test_a_value_at_a_cut_point_is_in_the_class_above() -> None:
    values = [29, "30", 44.0, "45", 60, None, "?", 12]
    found, told = classes_of("age", values, (30, 45, 60))
    assert found == [
        "below 30", "30 to 44", "30 to 44", "45 to 59", "60 and above", None, None, "below 30",
    ]  # fmt: skip
    assert not told
    assert classes_of("x", [0.2, 0.5, 0.9], (0.25, 0.75))[0] == [
        "below 0.25", "0.25 to below 0.75", "0.75 and above",
    ]  # fmt: skip


def test_what_is_no_number_is_unknown_and_told() -> None:
    found, told = classes_of("age", ["30", "old", "inf"], (30,))
    assert found == ["30 and above", None, None]
    assert told == [
        "2 values of the column 'age' are no numbers, such as 'old': their class is unknown."
    ]


@pytest.mark.parametrize(
    "column", [range(20, 80), [str(n) for n in range(20, 80)], [0.5 * n for n in range(30)]]
)
def test_many_numbers_are_no_groups_and_cut_points_are_offered(column: list[object]) -> None:
    with pytest.raises(OptionError, match="classes with cuts, such as age=") as told:
        check_classes("age", [*column, None])
    offered = cuts_of([str(told.value).split("such as ")[1].rstrip(".")])["age"]
    found, _ = classes_of("age", list(column), offered)
    sizes = [found.count(name) for name in dict.fromkeys(found)]
    assert len(sizes) >= 3
    assert min(sizes) >= 0.1 * sum(sizes)


@pytest.mark.parametrize("column", [[1, 2, 3, 4, 5] * 9, ["a", *range(50)], [True, False], []])
def test_codes_and_words_are_groups(column: list[object]) -> None:
    check_classes("race", column)


@pytest.mark.parametrize(
    "given", [{"age": []}, {"age": [3, 3]}, {"age": [4, 1]}, {"age": ["x"]}, "age", "=3", "age=a"]
)
def test_cut_points_that_make_no_classes_are_refused(given: object) -> None:
    with pytest.raises(OptionError, match="cut"):
        cuts_of(given)  # type: ignore[arg-type]


def test_cut_points_come_as_dict_or_as_texts() -> None:
    assert cuts_of(None) == {}
    assert cuts_of("age=30,45") == cuts_of({"age": [30, 45]}) == {"age": (30.0, 45.0)}
    assert cuts_of(["a=b=1", "c=2.5,3"]) == {"a=b": (1.0,), "c": (2.5, 3.0)}


def test_sensible_points_are_inside_and_rising() -> None:
    rng = np.random.default_rng(0)
    for scale in (0.001, 1.0, 4e5):
        numbers = (scale * rng.lognormal(size=200)).tolist()
        points = sensible(numbers)
        assert points == sorted(set(points))
        assert min(numbers) < points[0] <= points[-1] <= max(numbers)
    assert all(1 < point <= 2 for point in sensible([1.0, 1.0, 1.0, 2.0]))


def test_truth_values_and_words_are_no_numbers() -> None:
    assert [as_number(v) for v in (True, "x", "", None, "nan", "1e3")] == [None] * 5 + [1000.0]
