"""Which of many variants run in `make test`, and which only in `make test-real`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_real(values: Iterable[Any], kept: Collection[Any]) -> list[Any]:
    """Parameters: those of `values` that are `kept` as they are, and the rest marked real, since
    all of them take too long for every change."""
    every = list(values)
    missing = [value for value in kept if value not in every]
    assert not missing, f"no such variants: {missing}"
    return [v if v in kept else pytest.param(v, marks=pytest.mark.real) for v in every]
