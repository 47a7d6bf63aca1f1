"""Counters, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from leanfair.fairness.types import Decision
from leanfair.serving.metrics import Metrics


def test_what_happened_is_counted_and_servers_do_not_share_counters() -> None:
    metrics = Metrics()
    metrics.request("/v1/decisions", 200, 0.02)
    metrics.request("/v1/decisions", 429, 0.0)
    metrics.round(3, 2, 9)
    metrics.decided(
        [Decision("yes", {}, "answered", flipped=True), Decision(None, {}, "failed", flipped=None)]
    )
    metrics.unwritten(2)
    metrics.waiting.set_function(lambda: 5)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }
    assert found["leanfair_requests_total", "/v1/decisions", "429"] == 1
    assert found["leanfair_request_seconds_count", "/v1/decisions"] == 2
    assert found["leanfair_decisions_total", "answered"] == 1
    assert found[("leanfair_flips_total",)] == 1
    assert found[("leanfair_prompts_total",)] == 9
    assert found[("leanfair_round_rows_sum",)] == 3
    assert found[("leanfair_round_requests_sum",)] == 2
    assert found[("leanfair_unwritten_records_total",)] == 2
    assert found[("leanfair_waiting_rows",)] == 5
    assert b"leanfair_flips_total 0.0" in Metrics().text()
