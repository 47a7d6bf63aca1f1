"""codecarbon as a meter: offline, silent, without files.

Its tracker follows processor, GPU and memory, says on `flush` what they used since it started, and
writes failures to its log instead of raising them; so the log is caught while it runs.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from codecarbon import OfflineEmissionsTracker
from codecarbon.output_methods.base_output import BaseOutput

from leanfair.errors import first_line
from leanfair.evaluation.energy.clock import Clock, Meter
from leanfair.evaluation.energy.reading import Energy
from leanfair.evaluation.energy.sources import Basis, basis_of

PARTS = ("energy_consumed", "cpu_energy", "gpu_energy", "ram_energy")
"""What codecarbon tells, in kilowatt-hours."""
EVERY = 30.0
"""Seconds between readings of counters, well before any of them starts anew."""


class _Totals(BaseOutput):  # type: ignore[misc]  # codecarbon is not typed here
    """Keeps what the tracker says in the end, and when asked."""

    def __init__(self) -> None:
        self.last: Any = None

    def out(self, total: Any, delta: Any) -> None:
        self.last = total


class _Log(logging.Handler):
    """Keeps the last error that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.error = record.exc_info[1]


@dataclass(frozen=True)
class Tracked:
    """A meter that asks codecarbon. `begun` is what its tracker said when the work began."""

    tracker: Any
    totals: _Totals
    log: _Log
    basis: Basis
    begun: Any
    started: float = field(default_factory=time.perf_counter)

    def read(self) -> Energy:
        """What was used since the work began; no energy where the tracker failed."""
        found = _asked(self.tracker, self.totals)
        seconds = time.perf_counter() - self.started
        if found is None:
            return Energy(seconds, basis=_failed(self.log))
        return Energy(
            seconds,
            self._used(found, "energy_consumed"),
            self.basis.kind,
            self.basis.words,
            self.basis.at_least,
            self._used(found, "cpu_energy"),
            self._used(found, "gpu_energy") if self.basis.gpu else None,
            self._used(found, "ram_energy"),
        )

    def _used(self, found: Any, name: str) -> float:
        return float(getattr(found, name)) - float(getattr(self.begun, name))


@contextmanager
def tracking() -> Iterator[Meter]:
    """A meter by codecarbon; one of seconds alone where that does not start."""
    with ExitStack() as held:
        log = held.enter_context(_caught())
        try:
            scratch = held.enter_context(tempfile.TemporaryDirectory())
        except OSError as error:
            yield Clock(f"Energy is not known: codecarbon has no place ({first_line(error)}).")
            return
        totals = _Totals()
        tracker = _opened(scratch, totals)
        _keep(log)  # a new tracker adds a handler that prints
        tracker.start()
        held.callback(tracker.stop)
        basis = basis_of(getattr(tracker, "_hardware", ()))
        begun = _asked(tracker, totals)
        if begun is None or log.error is not None:
            yield Clock(_failed(log))
        else:
            yield Tracked(tracker, totals, log, basis, begun)


def _asked(tracker: Any, totals: _Totals) -> Any:
    """What `tracker` says now; None where it failed, or says other things than it did."""
    totals.last = None
    tracker.flush()
    return totals.last if all(hasattr(totals.last, name) for name in PARTS) else None


def _opened(scratch: str, totals: _Totals) -> Any:
    """A tracker that sends, writes and locks nothing, whatever a file of settings of the user says.

    What is settled here is not read from there. The intensity is given, so that codecarbon does not
    look for one; carbon is reckoned from energy by `grid`.
    """
    return OfflineEmissionsTracker(
        country_iso_code="USA",
        cloud_provider=None,
        cloud_region=None,
        tracking_mode="process",
        measure_power_secs=EVERY,
        api_call_interval=-1,
        output_dir=scratch,
        output_methods=[],
        output_handlers=[totals],
        emissions_endpoint=None,
        electricitymaps_api_token=None,
        force_carbon_intensity_g_co2e_kwh=1000.0,
        pue=1.0,
        allow_multiple_runs=True,
        log_level="critical",
        logger_preamble="",
    )


@contextmanager
def _caught() -> Iterator[_Log]:
    """The log of codecarbon, as long as this lasts; afterwards it is as it was."""
    logger, log = logging.getLogger("codecarbon"), _Log()
    handlers, level = list(logger.handlers), logger.level
    _keep(log)
    try:
        yield log
    finally:
        logger.handlers = handlers
        logger.setLevel(level)


def _keep(log: _Log) -> None:
    """Make `log` all that hears codecarbon."""
    logger = logging.getLogger("codecarbon")
    logger.handlers = [log]
    logger.setLevel(logging.WARNING)


def _failed(log: _Log) -> str:
    why = f" ({first_line(log.error)})" if log.error is not None else ""
    return f"Energy is not known: codecarbon failed{why}."
