"""A meter of seconds alone."""

from __future__ import annotations

import pytest

from leanfair.evaluation.energy import clock
from leanfair.evaluation.energy.clock import Clock
from tests.support.meters import Hand


def test_it_tells_seconds_and_why_it_knows_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = Hand(5.0)
    monkeypatch.setattr(clock, "time", hand)
    meter = Clock("It is only a clock.", hand.perf_counter())
    hand.now += 2.5
    found = meter.read()
    assert (found.seconds, found.kwh, found.kind) == (2.5, None, "unknown")
    assert found.basis == "It is only a clock."


def test_without_a_reason_it_says_what_to_install() -> None:
    assert "pip install 'leanfair[energy]'" in Clock().read().basis
