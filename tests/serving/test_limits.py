"""The bounds make sense together."""

from __future__ import annotations

import pytest

from leanfair.errors import OptionError
from leanfair.options import check
from leanfair.serving.limits import Limits


def test_the_defaults_are_within_their_ranges() -> None:
    check(Limits())


@pytest.mark.parametrize(
    "name", ["max_body", "max_rows", "max_waiting", "answer_within", "together"]
)
def test_nothing_is_no_bound(name: str) -> None:
    with pytest.raises(OptionError, match=name):
        check(Limits(**{name: 0}))


@pytest.mark.parametrize("largest", [1_000, 10**9])
def test_the_largest_request_can_always_wait(largest: int) -> None:
    assert Limits(max_body=largest).max_held >= largest
