"""summary.json of a comparison is what its schema says."""

from __future__ import annotations

from leanfair.comparison.schema.summary import Summary
from leanfair.comparison.summary import kind_of
from tests.support.pairs import small_comparison, small_pair
from tests.support.schemas import misfits


def test_what_compare_finds_is_of_the_schema() -> None:
    assert misfits(small_comparison().to_dict(), Summary) == []


def test_the_kind_is_that_of_the_problem() -> None:
    assert kind_of(small_pair()) == "single_label_classification"
