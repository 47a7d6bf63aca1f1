"""What is counted, for Prometheus: never a text, nor who asked."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from leanfair.fairness.types import Decision

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "leanfair_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "leanfair_request_seconds", "From a request to the end of its answer.", ["route"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._decisions = Counter(
            "leanfair_decisions",
            "Texts and records decided about, by status.",
            ["status"],
            registry=self.registry,
        )
        self._flips = Counter(
            "leanfair_flips",
            "Decisions that another value of the attribute would have changed, uncorrected.",
            registry=self.registry,
        )  # fmt: skip
        self._passes = Counter(
            "leanfair_prompts",
            "Prompts that were put to the model; known answers are none.",
            registry=self.registry,
        )
        self._rows = Histogram(
            "leanfair_round_rows", "Texts and records in one round of the model.", buckets=_COUNTS,
            registry=self.registry,
        )  # fmt: skip
        self._callers = Histogram(
            "leanfair_round_requests",
            "Requests in one round of the model.",
            buckets=_COUNTS,
            registry=self.registry,
        )
        self._unwritten = Counter(
            "leanfair_unwritten_records",
            "Decisions that --record could not write down.",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "leanfair_waiting_rows", "Texts and records that wait.", registry=self.registry
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that is answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def round(self, rows: int, callers: int, prompts: int) -> None:
        """Count a round of the model."""
        self._rows.observe(rows)
        self._callers.observe(callers)
        self._passes.inc(prompts)

    def decided(self, decisions: Sequence[Decision]) -> None:
        """Count decisions."""
        for decision in decisions:
            self._decisions.labels(decision.status).inc()
        self._flips.inc(sum(bool(decision.flipped) for decision in decisions))

    def unwritten(self, decisions: int) -> None:
        """Count decisions that are not in the record."""
        self._unwritten.inc(decisions)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
