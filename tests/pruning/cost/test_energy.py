"""The energy of a run by phases, with a meter of known watts; and of runs that were broken off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.evaluation.energy.reading import JOULES, Energy
from leanfair.pruning import loop
from leanfair.pruning.cost.energy import RESUMED, UNTOLD, Spending, spent_in_all
from leanfair.pruning.measured_schema import RunEnergyEntry, SpentEntry
from leanfair.pruning.report.page import render
from tests.support.meters import Deaf, Hand, Watts, opened
from tests.support.nets import samples, tiny
from tests.support.schemas import misfits

QUICK: dict[str, Any] = {
    "cut": 0.3, "criterion": "l1", "min_layers": 1, "latency_batches": (), "batch_size": 16,
    "candidate_epochs": 0.5, "round_epochs": 1.0, "final_epochs": 1.0,
}  # fmt: skip
DATA = samples(32)


def test_each_phase_is_given_what_was_used_while_it_lasted() -> None:
    hand = Hand()
    spending = Spending(Watts(hand, 36.0))
    hand.now += 1
    with spending.on("scoring"):
        hand.now += 10
    hand.now += 2
    with spending.on("candidates"):
        hand.now += 100
    with spending.on("candidates"):
        hand.now += 50
    with spending.on("recovery"):
        hand.now += 1000
    hand.now += 4
    found = spending.settled()
    kwh = {name: found[name] for name in ("scoring", "candidates", "recovery", "rest")}  # type: ignore[literal-required]
    seconds = {"scoring": 10, "candidates": 150, "recovery": 1000, "rest": 7}
    assert kwh == {name: pytest.approx(36.0 * each / JOULES) for name, each in seconds.items()}
    assert found["total"]["kwh"] == pytest.approx(36.0 * 1167 / JOULES)
    assert found["total"]["kind"] == "measured"
    assert misfits(found, SpentEntry) == []


def test_what_is_settled_is_not_counted_again() -> None:
    hand = Hand()
    spending = Spending(Watts(hand))
    hand.now += 5
    assert spending.settled()["total"]["seconds"] == 5
    hand.now += 2
    with spending.on("scoring"):
        pass
    again = spending.settled()
    assert again["total"]["seconds"] == 2
    assert again["recovery"] is None


def test_an_error_in_a_phase_is_counted_for_it() -> None:
    hand = Hand()
    spending = Spending(Watts(hand, 1.0))

    def fail() -> None:
        with spending.on("recovery"):
            hand.now += 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert spending.settled()["recovery"] == pytest.approx(3 / JOULES)


def part(kwh: float | None) -> SpentEntry:
    whole = Energy(1.0, kwh, "unknown" if kwh is None else "measured", "By hand.")
    return {
        "total": whole.to_json(), "scoring": None, "candidates": None, "recovery": kwh, "rest": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "resumed", "kwh", "at_least"),
    [
        ([(1.0, part(2.0)), (1.0, part(3.0))], False, 5.0, False),
        ([(1.0, part(2.0)), (1.0, part(3.0))], True, 5.0, True),
        ([(1.0, part(2.0)), (9.0, None)], False, 2.0, True),
        ([(1.0, part(2.0)), (1.0, part(None))], False, 2.0, True),
        ([(1.0, part(None)), (9.0, None)], True, None, False),
    ],
)
def test_parts_are_summed_and_one_without_a_measure_makes_it_the_least(
    parts: list[tuple[float, SpentEntry | None]], resumed: bool, kwh: float | None, at_least: bool
) -> None:
    found = spent_in_all(parts, resumed)
    assert (found["total"]["kwh"], found["total"]["at_least"]) == (kwh, at_least)
    assert found["total"]["seconds"] == sum(seconds for seconds, _ in parts)
    assert found["recovery"] == kwh
    assert found["grams"] == (None if kwh is None else pytest.approx(475 * kwh))
    assert (UNTOLD in found["total"]["basis"]) == any(spent is None for _, spent in parts)
    assert (RESUMED in found["total"]["basis"]) == (resumed and kwh is not None)
    assert misfits(found, RunEnergyEntry) == []


def test_of_several_processes_an_estimate_is_the_least() -> None:
    for kind, at_least in (("estimated", True), ("measured", False)):
        found = Spending(Watts(Hand(1.0), 5.0, kind), 4).settled()["total"]  # type: ignore[arg-type]
        assert found["at_least"] == at_least
        assert ("3 other processes" in found["basis"]) == at_least


def test_a_run_records_each_round_and_the_sum_is_its_summary_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "metering", opened(Watts(watts=7.0, clock=Ticking())))
    run = leanfair.prune(tiny(), calibration=DATA, train=samples(32, 2), **QUICK)
    found = run.summary["energy"]
    assert found is not None
    rounds = [step.energy for step in run.steps]
    assert rounds
    assert all(each and each["candidates"] and each["recovery"] for each in rounds)
    of_rounds = sum(each["total"]["kwh"] for each in rounds if each)  # type: ignore[misc]
    assert found["total"]["kwh"] is not None
    assert found["total"]["kwh"] > of_rounds  # the last fine-tuning
    phases = (found["scoring"], found["candidates"], found["recovery"], found["rest"])
    assert sum(phase or 0.0 for phase in phases) == pytest.approx(found["total"]["kwh"])
    assert not found["total"]["at_least"]


class Ticking(Hand):
    """A clock that is a second on each time that it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name == "now":
            object.__setattr__(self, "now", object.__getattribute__(self, "now") + 1.0)
        return object.__getattribute__(self, name)


def test_recording_changes_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for meter in (Watts(), Deaf()):
        monkeypatch.setattr(loop, "metering", opened(meter))
        found.append(leanfair.prune(tiny(), calibration=DATA, train=samples(32, 2), **QUICK))
    one, other = found
    assert [step.cut for step in one.steps] == [step.cut for step in other.steps]
    assert [step.cka for step in one.steps] == [step.cka for step in other.steps]
    twin = other.model.state_dict()
    assert all(torch.equal(value, twin[name]) for name, value in one.model.state_dict().items())


def test_a_run_that_was_broken_off_says_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "metering", opened(Watts(watts=7.0, clock=Ticking())))

    def stop(event: leanfair.Event) -> None:
        if event.stage == "choose" and event.round == 2:
            raise KeyboardInterrupt

    begun = {"calibration": DATA, "out": tmp_path / "run", "pace": 0.1, "only": "neurons"}
    begun |= {**QUICK, "candidate_epochs": 0.0, "round_epochs": 0.0, "final_epochs": 0.0}
    with pytest.raises(KeyboardInterrupt):
        leanfair.prune(tiny(), on_event=stop, **begun)
    older = tmp_path / "older"
    shutil.copytree(tmp_path / "run", older)
    found = leanfair.prune(tiny(), resume=True, **begun).summary["energy"]
    assert found is not None
    assert found["total"]["at_least"]
    assert RESUMED in found["total"]["basis"]
    assert UNTOLD not in found["total"]["basis"]


def test_a_run_of_a_version_that_did_not_say_still_loads_and_reports(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=DATA, out=tmp_path, **QUICK)
    summary, steps = (json.loads((tmp_path / name).read_text()) for name in FILES)
    del summary["energy"]
    for step in (*steps, *summary["steps"]):
        del step["energy"]
    for name, content in zip(FILES, (summary, steps), strict=True):
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "leanfair.json").unlink()  # its hashes are of the files before
    assert leanfair.load(tmp_path) is not None
    assert "of a version that did not say" in render(summary)
    assert run.steps[0].energy is not None


FILES = ("summary.json", "steps.json")
