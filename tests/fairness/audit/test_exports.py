"""The tables of an audit hold the numbers of its summary."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from leanfair.fairness.audit.auditing import AuditEvent
from tests.support.judges import (
    biased,
    judge,
    people,
    run,
)


def test_the_run_directory(tmp_path: Path) -> None:
    events: list[AuditEvent] = []
    found = run(judge(biased("black", 0.2)), people(), out=tmp_path, on_event=events.append)
    assert json.loads((tmp_path / "summary.json").read_text()) == json.loads(
        json.dumps(found.summary)
    )
    decisions = list(csv.DictReader((tmp_path / "decisions.csv").open()))
    assert len(decisions) == 120
    assert decisions[0]["row"] == "1"
    assert {"race", "hired", "decision_none", "status_mean", "flipped"} <= set(decisions[0])
    metrics = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    parity = found.summary["metrics"]["demographic_parity_difference"]["mean"]
    (row,) = (
        one for one in metrics
        if (one["group"], one["rule"], one["metric"])
        == ("", "mean", "demographic_parity_difference")
    )  # fmt: skip
    assert float(row["low"]) == parity["low"]
    assert [event.stage for event in events] == ["ask", "ask", "count"]
    assert (events[1].done, events[1].total) == (120, 120)
