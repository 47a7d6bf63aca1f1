"""What a watch takes, and what an audit still needs."""

from __future__ import annotations

import pytest

from leanfair.cli.fairness.watch_options import check_alone, is_asked, required
from leanfair.errors import OptionError

WHOLE = {"table": "a", "group": "b", "favourable": "c", "out": "d", "watch": None, "window": None}


def test_an_audit_that_is_whole_passes() -> None:
    required(WHOLE)
    assert not is_asked(WHOLE)


@pytest.mark.parametrize("name", ["table", "group", "favourable", "out"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name}.* is missing"):
        required({**WHOLE, name: None})


def test_a_watch_takes_no_model() -> None:
    check_alone({"watch": "x", "max_flip_rate": 0.1, "model": None, "protect": []})
    with pytest.raises(OptionError, match="would have no effect"):
        check_alone({"watch": "x", "prompt": "y"})
