"""Label columns as tables hold them; a blank is never a denial, no remedy is upside down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError, OptionError
from leanfair.fairness.tables.labels import Labels, as_label, truth_of

YES_NO = ["yes", "no"]


def truths(column: list[Any], labels: Labels = None, options: list[str] = YES_NO) -> list[str]:
    rows = [{"y": value} for value in column]
    return truth_of(rows, range(1, len(rows) + 1), "y", options[0], options, labels)


@pytest.mark.parametrize(
    ("good", "bad", "labels"),
    [
        ("yes", "no", None),
        ("YES ", "No", None),
        (1, 0, None),
        (1.0, 0.0, None),
        ("1", "0", None),
        ("1.0", "0.0", None),
        (True, False, None),
        (np.True_, np.False_, None),
        ("True", "False", None),
        ("TRUE", "FALSE", None),
        (1, 2, 1),
        ("1.0", "2.0", 1),
        ("Approved", "Denied", "approved"),
        (True, False, {"True": "yes", "False": "no"}),
        (">50K", "<=50K", {">50K": "yes", "<=50K": "no"}),
        (0, 1, {0: "yes", 1: "no"}),
        ("Declined", "Approved", "Declined"),
    ],
)
def test_a_label_means_the_same_in_every_way_of_writing_it(
    good: Any, bad: Any, labels: Labels
) -> None:
    assert truths([good, bad, bad], labels) == ["yes", "no", "no"]


@pytest.mark.parametrize("blank", ["", "  ", None, float("nan"), "N/A", "unknown", "-"])
@pytest.mark.parametrize("labels", [None, "yes", {"yes": "yes", "no": "no"}])
def test_a_blank_label_is_no_denial(blank: Any, labels: Labels) -> None:
    with pytest.raises(
        InputError, match=r"^Row 3 of the table: no label in the column 'y'"
    ) as told:
        truths(["yes", "no", blank], labels)
    assert "leave such rows out" in str(told.value)
    assert "labels={" not in str(told.value)


def test_a_label_that_is_an_option_is_one_though_it_sounds_unknown() -> None:
    options = ["approved", "declined"]
    assert truths(["Declined", "approved"], None, options) == ["declined", "approved"]


def test_a_strange_label_is_told_with_a_remedy_that_takes_no_side() -> None:
    with pytest.raises(OptionError) as told:
        truths(["Denied", "Approved", "Denied"])
    words = str(told.value)
    assert "'Approved', 'Denied': say with labels which of them means 'yes'" in words
    assert "--positive" in told.value.told({"labels": "--positive"}.__getitem__)
    with pytest.raises(InputError, match="write the column 'y' as the options"):
        truths(["x"], None, ["a", "b", "c"])


def test_labels_that_cannot_be_are_refused() -> None:
    with pytest.raises(OptionError, match="holds no 'good', which labels says means 'yes'"):
        truths(["a", "b"], "good")
    with pytest.raises(InputError, match="none of the options"):
        truths(["a", "b"], {"a": "perhaps"})
    with pytest.raises(InputError, match="as a dict"):
        truths(["a", "b"], "a", ["a", "b", "c"])


def test_labels_are_compared_as_they_mean() -> None:
    assert len({as_label(v) for v in (1, 1.0, True, "1", "1.0", "TRUE", " true")}) == 1
    assert as_label("1.5") == "1.5"
    assert as_label("01") == "01"
