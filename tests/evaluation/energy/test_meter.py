"""A meter around a block of work, with codecarbon and without."""

from __future__ import annotations

import sys

import pytest

from leanfair.evaluation.energy.meter import metering


def test_without_codecarbon_it_tells_seconds_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "leanfair.evaluation.energy.tracker", raising=False)
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with metering() as meter:
        found = meter.read()
    assert found.seconds >= 0
    assert (found.kwh, found.kind) == (None, "unknown")
    assert "leanfair[energy]" in found.basis


def test_with_codecarbon_it_tells_energy_and_how_it_is_known() -> None:
    with metering() as meter:
        found = meter.read()
    assert found.kwh is not None
    assert found.kind in ("measured", "estimated")
    assert found.basis


def test_an_error_in_the_work_comes_through() -> None:
    with pytest.raises(ZeroDivisionError), metering():
        _ = 1 / 0
