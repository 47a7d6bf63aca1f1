"""Every key of robustness is documented."""

from __future__ import annotations

from leanfair.comparison.schema import robustness
from tests.support.schemas import undocumented


def test_every_key_says_what_it_is() -> None:
    assert undocumented(robustness) == []
