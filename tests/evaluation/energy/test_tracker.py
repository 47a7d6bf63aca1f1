"""codecarbon as a meter: what it says, what it leaves alone, and what becomes of its failures."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from codecarbon import OfflineEmissionsTracker

from leanfair.evaluation.energy import tracker
from leanfair.evaluation.energy.reading import JOULES, Energy
from leanfair.evaluation.energy.tracker import tracking


def worked(seconds: float) -> Energy:
    """What a processor takes that is kept busy so long, by its own time."""
    with tracking() as meter:
        ends = time.process_time() + seconds
        while time.process_time() < ends:
            pass
        return meter.read()


def test_energy_grows_with_work_and_is_the_sum_of_its_parts() -> None:
    with tracking() as meter:
        readings = [meter.read()]
        for _ in range(2):
            time.sleep(0.07)
            readings.append(meter.read())
    kwh = [found.kwh for found in readings if found.kwh is not None]
    assert len(kwh) == 3
    assert kwh == sorted(kwh)
    last = readings[-1]
    parts = (last.processor or 0.0) + (last.memory or 0.0) + (last.gpu or 0.0)
    assert last.kwh == pytest.approx(parts)


def test_an_estimate_is_watts_times_the_time_of_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODECARBON_FORCE_CPU_POWER", "100")
    found = worked(0.5)
    assert found.kind == "estimated"
    assert "100 W" in found.basis
    cores = os.cpu_count() or 1
    assert found.processor == pytest.approx(0.5 * 100 / cores / JOULES, rel=0.25)


def test_nothing_is_sent_printed_or_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"a connection was tried: {args}")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / ".codecarbon.config").write_text(
        "[codecarbon]\nsave_to_api = true\noutput_methods = csv,api\nallow_multiple_runs = false\n"
        "emissions_endpoint = http://127.0.0.1:9\nlog_level = debug\nco2_signal_api_token = a\n"
    )
    logger = logging.getLogger("codecarbon")
    before = (list(logger.handlers), logger.level, threading.active_count())
    with tracking() as meter:
        assert meter.read().kwh is not None
    assert (list(logger.handlers), logger.level) == before[:2]
    ends = time.monotonic() + 5
    while threading.active_count() > before[2] and time.monotonic() < ends:
        time.sleep(0.01)
    assert threading.active_count() <= before[2]
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".codecarbon.config", "temporary"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "method", ["_ensure_hardware_ready", "_do_measurements", "_get_geo_metadata", "_set_from_conf"]
)
def test_a_tracker_that_does_not_start_is_one_sentence_and_no_crash(
    method: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the counter is gone")

    monkeypatch.setattr(OfflineEmissionsTracker, method, fail)
    with tracking() as meter:
        found = meter.read()
    assert (found.kwh, found.kind) == (None, "unknown")
    assert found.basis.startswith("Energy is not known: codecarbon failed (")
    assert capfd.readouterr() == ("", "")


def test_a_reading_that_fails_on_the_way_is_not_known_and_the_next_one_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError("the counter is gone")

    with tracking() as meter:
        with monkeypatch.context() as patch:
            patch.setattr(OfflineEmissionsTracker, "_prepare_emissions_data", fail)
            failed = meter.read()
        found = meter.read()
    assert failed.kwh is None
    assert "the counter is gone" in failed.basis
    assert found.kwh is not None


def test_one_meter_may_run_inside_another() -> None:
    with tracking() as outer:
        with tracking() as inner:
            assert inner.read().kwh is not None
        assert outer.read().kwh is not None


def test_without_a_place_for_temporary_files_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with tracking() as meter:
        found = meter.read()
    assert found.kwh is None
    assert "no place" in found.basis


def test_a_codecarbon_that_says_other_things_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracker, "PARTS", ("watt_hours",))
    with tracking() as meter:
        assert meter.read().basis == "Energy is not known: codecarbon failed."
