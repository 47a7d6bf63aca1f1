"""Latency as what both candidates save, and as the target, decided by a table of times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.evaluation.layout import LAYOUTS, layout_of
from leanfair.pruning.cost import readings
from leanfair.pruning.plan import plan
from tests.support.nets import same, samples, tiny

QUICK: dict[str, Any] = {
    "criterion": "l1", "min_layers": 1, "latency_batches": (), "calibration": samples(24),
    "of": "latency", "pace": 0.2, "reconstruct": False,
}  # fmt: skip


class Stopwatch:
    """Times of a made-up machine, and what it says of whole networks at the end, in turn."""

    def __init__(self, *shares: float) -> None:
        self.shares = list(shares)
        self.tables = 0
        self.channels_last = 1.0

    def __call__(self, calls: Any, device: Any, budget: float = 0.0) -> dict[str, float]:
        if set(calls) == {"base", "child"}:
            return {"base": 1.0, "child": 1.0 - self.shares.pop(0)}
        if set(calls) == {*LAYOUTS}:
            return {"contiguous": 1.0, "channels_last": self.channels_last}
        self.tables += 1
        return {name: self._seconds(name) for name in calls}

    @staticmethod
    def _seconds(name: str) -> float:
        """A block takes a second, half of it whatever its width; the whole network twelve."""
        if " with " not in name:
            return 12.0 if name == "" else 1.0
        left, _, group = name.partition(" with ")[2].partition(" of ")
        full = {"layer1": 16, "layer2": 32, "layer3": 64}[group.partition(".")[0]]
        return 0.5 + 0.5 * int(left) / full


@pytest.fixture
def machine(monkeypatch) -> Any:
    def set_to(*shares: float) -> Stopwatch:
        clock = Stopwatch(*shares)
        monkeypatch.setattr("leanfair.pruning.run.setup.stopwatch", clock)
        monkeypatch.setattr(readings, "stopwatch", clock)
        return clock

    return set_to


def pruned(out: Path | None = None, **given: Any) -> Any:
    asked = {**QUICK, "cut": 0.4, **given}
    if asked.get("only") == "layer":
        del asked["pace"]  # for rounds without a layer
    return leanfair.prune(tiny(20), out=out, **asked)


def test_neurons_go_until_they_save_the_time_that_the_layer_saves(machine):
    machine()
    layer, neurons = plan(tiny(20), **QUICK, cut=0.4, layers_per_round=1)
    assert layer.saves["latency"] == 1_000_000_000
    assert neurons.saves["latency"] >= layer.saves["latency"]
    assert neurons.saves["latency"] <= 1.1 * layer.saves["latency"]


def test_macs_can_be_the_target_while_time_is_matched(machine):
    machine(0.2)
    run = pruned(of="macs", match="latency", cut=0.2)
    assert run.summary["stopwatch"]["measured"] == pytest.approx(0.2)
    assert "latency" in run.steps[0].cut.saves
    plain = pruned(of="macs", cut=0.2)
    assert plain.summary["stopwatch"] is None
    assert "latency" not in plain.steps[0].cut.saves


def test_the_target_is_met_where_the_stopwatch_agrees(machine):
    machine(0.35, 0.45)  # one round later than it was near by the table
    run = pruned()
    told = run.summary["stopwatch"]
    assert told["measured"] == pytest.approx(0.45)
    assert told["predicted"] == pytest.approx(run.summary["removed"])
    assert run.summary["removed"] >= 0.4
    assert run.summary["stopped_because"] == "the target is met"
    assert run.summary["cost"]["before"] == pytest.approx(12.0)


def test_where_the_stopwatch_is_ahead_of_the_table_no_more_goes_and_that_is_said(machine):
    machine(0.45)
    run = pruned()
    assert 0.75 * 0.4 <= run.summary["removed"] < 0.4
    assert run.summary["stopwatch"]["measured"] == pytest.approx(0.45)
    assert run.summary["stopped_because"] == "the target is met"
    assert any("by a stopwatch at the end 45.0%" in note for note in run.summary["notes"])


def test_where_it_does_not_agree_more_goes_until_it_does_and_that_is_said(machine):
    clock = machine(0.3, 0.35, 0.42)
    run = pruned()
    assert not clock.shares
    assert run.summary["removed"] >= 0.5
    notes = [note for note in run.summary["notes"] if "by a stopwatch" in note]
    assert len(notes) == 1
    assert "42.0%" in notes[0]


@pytest.mark.real
def test_a_killed_run_goes_on_by_the_same_table_and_readings(machine, tmp_path):
    clock = machine(0.3, 0.35, 0.42)
    whole = pruned(tmp_path / "whole")
    assert clock.tables == 1

    class KilledError(Exception):
        pass

    def listener(event: Any) -> None:
        if event.stage == "step" and event.round == len(whole.steps) - 1:
            raise KilledError

    shares = [0.3, 0.35, 0.42]
    clock.shares = shares[:-1]
    with pytest.raises(KilledError):
        pruned(tmp_path / "killed", on_event=listener)
    clock.shares = [*clock.shares, shares[-1]]
    resumed = pruned(tmp_path / "killed", resume=True)
    assert clock.tables == 2
    assert [step.cut for step in resumed.steps] == [step.cut for step in whole.steps]
    assert same(resumed.model, whole.model)
    assert resumed.summary["stopwatch"] == whole.summary["stopwatch"]


def test_a_second_run_decides_the_same_by_the_table_of_the_first(machine, tmp_path):
    clock = machine(0.45, 0.45)
    first = pruned(tmp_path / "first")
    again = pruned(tmp_path / "second", latency_table=str(tmp_path / "first/latency.json"))
    assert clock.tables == 1
    assert [step.cut for step in again.steps] == [step.cut for step in first.steps]
    one, other = (
        json.loads((tmp_path / name / "latency.json").read_text()) for name in ("first", "second")
    )
    assert one["table"] == other["table"]


def test_a_table_for_other_batches_is_refused_before_anything_is_written(machine, tmp_path):
    machine(0.45)
    pruned(tmp_path / "first")
    table = str(tmp_path / "first/latency.json")
    with pytest.raises(InputError, match="batches of 1"):
        pruned(tmp_path / "second", latency_table=table, latency_batch=128)
    assert not (tmp_path / "second").exists()


def test_a_share_of_latency_beyond_the_floor_is_refused(machine):
    machine()
    with pytest.raises(InputError, match="beyond the floor"):
        pruned(cut=0.95)


@pytest.mark.parametrize("only", ["layer", "neurons"])
def test_halves_are_matched_in_time_too(machine, only):
    machine(0.1, 0.5)
    run = pruned(only=only, cut=0.2)
    assert {step.chosen for step in run.steps} == {only}
    assert run.summary["removed"] >= 0.2


@pytest.mark.parametrize("given", [{"latency_batch": 8}, {"latency_table": "a/latency.json"}])
def test_options_of_times_are_refused_where_no_time_decides(given):
    with pytest.raises(InputError, match="is for what is decided by times, but of is macs"):
        pruned(of="macs", **given)
    with pytest.raises(InputError, match="latency_table must be a text that is not empty"):
        pruned(latency_table=" ")


def test_the_faster_layout_is_timed_kept_and_loaded(machine, tmp_path):
    clock = machine(0.4)
    clock.channels_last = 0.5
    run = pruned(tmp_path)
    assert json.loads((tmp_path / "latency.json").read_text())["table"]["layout"] == "channels_last"
    assert run.summary["layout"] == {"before": "channels_last", "after": "channels_last"}
    assert layout_of(run.model) == "channels_last"
    again = leanfair.load(tmp_path)
    assert layout_of(again) == "channels_last"
    assert same(again, run.model)
    assert layout_of(run.parent) == "contiguous"  # what was given stays as it was


class Steps(Stopwatch):
    """A machine whose kernels take channels by fours: five cost as much as eight."""

    @staticmethod
    def _seconds(name: str) -> float:
        if " with " not in name:
            return Stopwatch._seconds(name)
        left = name.partition(" with ")[2].partition(" of ")[0]
        return Stopwatch._seconds(
            name.replace(f"with {left} of", f"with {-(-int(left) // 4) * 4} of")
        )


@pytest.mark.parametrize(
    "given", [{"cut": 0.3}, {"of": "macs"}, {"of": "macs", "spread": "uniform"}]
)
def test_widths_are_those_that_the_device_likes(machine, monkeypatch, given):
    clock = Steps(*[0.4] * 9)
    monkeypatch.setattr("leanfair.pruning.run.setup.stopwatch", clock)
    monkeypatch.setattr(readings, "stopwatch", clock)
    run = pruned(round_to="auto", only="neurons", **given)
    widths = {
        width["count"]
        for stage in run.summary["architecture"]["after"]
        for block in stage["blocks"]
        for width in block["widths"]
    }
    assert len(widths) > 1
    assert all(width % 4 == 0 for width in widths)
    assert run.summary["settings"]["round_to"] == "auto"
