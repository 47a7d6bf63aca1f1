"""What a stopwatch says beside the table, and tables that come from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.errors import OptionError
from leanfair.pruning.cost import readings
from leanfair.pruning.cost.readings import aim, confirmed, read_table, shared, timed_share
from leanfair.pruning.measured_schema import LatencyTable, Reading
from tests.support.nets import tiny

TABLE: LatencyTable = {
    "fingerprint": "f",
    "batch": 4,
    "blocks": [{"blocks": [""], "seconds": 1.0, "widths": []}],
}


def reading(predicted: float, measured: float, number: int = 1) -> Reading:
    return {"round": number, "predicted": predicted, "measured": measured}


@pytest.mark.parametrize(
    ("measured", "agrees"), [(0.5, True), (0.6, True), (0.495, True), (0.48, False), (-0.2, False)]
)
def test_a_stopwatch_agrees_where_it_finds_what_was_asked_or_little_less(measured, agrees):
    assert confirmed(0.5, reading(0.5, measured)) is agrees


def test_as_much_more_is_aimed_at_as_the_stopwatch_missed():
    assert aim(0.5, []) == 0.5
    assert aim(0.5, [reading(0.5, 0.52)]) == 0.5
    assert aim(0.5, [reading(0.52, 0.45)]) == pytest.approx(0.57)
    assert aim(0.5, [reading(0.52, 0.45), reading(0.58, 0.48, 2)]) == pytest.approx(0.60)
    assert aim(0.9, [reading(0.9, 0.3)]) < 1


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_table_of_another_run_is_taken_where_it_fits(tmp_path):
    path = write(tmp_path / "latency.json", {"table": TABLE, "readings": [reading(0.5, 0.4)]})
    assert read_table(path, 4, "f") == TABLE


@pytest.mark.parametrize(
    ("batch", "fingerprint", "why"),
    [(4, "g", "another network"), (8, "f", "batches of 4, but {latency_batch} is 8")],
)
def test_a_table_that_does_not_fit_is_refused_by_name(tmp_path, batch, fingerprint, why):
    path = write(tmp_path / "latency.json", {"table": TABLE, "readings": []})
    with pytest.raises(OptionError) as refused:
        read_table(path, batch, fingerprint)
    assert why.replace("{latency_batch}", "latency_batch") in str(refused.value)


@pytest.mark.parametrize("content", [{}, [], {"table": {"batch": 4}, "readings": []}])
def test_what_is_no_table_is_told_in_one_sentence(tmp_path, content):
    with pytest.raises(OptionError, match="is no table of times"):
        read_table(write(tmp_path / "latency.json", content), 4, "f")
    with pytest.raises(OptionError, match="There is no file"):
        read_table(tmp_path / "none.json", 4, "f")


def test_both_networks_are_timed_in_turn_at_the_batch_that_was_asked_for(monkeypatch):
    seen: dict[str, int] = {}

    def timer(calls: Any, device: Any) -> dict[str, float]:
        for name, call in calls.items():
            seen[name] = len(call())
        return {"base": 2.0, "child": 0.5}

    monkeypatch.setattr(readings, "stopwatch", timer)
    base = tiny()
    assert timed_share(base, tiny(seed=1), Batch(torch.zeros(3, 1, 8, 8)), 5) == 0.75
    assert seen == {"base": 5, "child": 5}


def test_alone_the_table_is_ones_own():
    assert shared(json.loads(json.dumps(TABLE))) == {**TABLE, "layout": "contiguous"}
    last = {**TABLE, "layout": "channels_last"}
    assert shared(json.loads(json.dumps(last))) == last
