"""Cost and energy are timed where a test asks for it, and nowhere else."""

from __future__ import annotations

import pytest

from leanfair.comparison import comparing


@pytest.fixture(autouse=True)
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave cost and energy out where nothing is said."""
    monkeypatch.setattr(comparing, "SECONDS", 0.0)
