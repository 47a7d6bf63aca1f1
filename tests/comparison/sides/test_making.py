"""What it took to make a child: recorded, reckoned from time, or not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

import leanfair
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.sides.making import Making, making_of
from leanfair.evaluation.energy.grid import grid_of
from leanfair.evaluation.energy.reading import JOULES
from leanfair.pruning import loop
from tests.support.meters import Watts, opened
from tests.support.nets import samples, tiny


def made(path: Path | None, power: float | None = 1.0, run: Path | None = None) -> Making | None:
    child = Side("Child", nn.Identity(), path=path)
    pair = Pair(Side("Parent", nn.Identity()), child, None, False, run=run)
    return making_of(pair, grid_of(intensity=10.0), power)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(loop, "metering", opened(Watts(watts=0.0, more=2 * JOULES)))
    leanfair.prune(
        tiny(), calibration=samples(24), out=tmp_path / "run", cut=0.3, criterion="l1",
        min_layers=1, latency_batches=(),
    )  # fmt: skip
    return tmp_path / "run"


def forget(run: Path) -> float:
    """Make the run one of a version that did not say; the seconds that it took."""
    summary = json.loads((run / "summary.json").read_text())
    del summary["energy"]
    summary["seconds"] = 90.0
    (run / "summary.json").write_text(json.dumps(summary))
    (run / "leanfair.json").unlink()
    return 90.0


def test_a_run_that_recorded_its_energy_is_believed(run: Path) -> None:
    for found in (made(run), made(None, run=run)):
        assert found is not None
        assert found.entry["recorded"]
        assert found.entry["total"]["kwh"] == pytest.approx(2.0)
        assert found.entry["total"]["kind"] == "measured"
        assert found.entry["grams"] == pytest.approx(20.0)
        assert found.train is None


def test_a_run_that_did_not_is_reckoned_from_its_time_and_called_an_estimate(run: Path) -> None:
    seconds = forget(run)
    found = made(run, power=50.0 / JOULES)
    assert found is not None
    assert not found.entry["recorded"]
    assert found.entry["total"]["kwh"] == pytest.approx(50.0 * seconds / JOULES)
    assert found.entry["total"]["kind"] == "estimated"
    assert "50 W" in found.entry["total"]["basis"]
    assert "no measurement" in found.entry["total"]["basis"]


def test_without_a_power_it_is_not_known(run: Path) -> None:
    forget(run)
    found = made(run, power=None)
    assert found is not None
    assert (found.entry["total"]["kwh"], found.entry["grams"]) == (None, None)


def test_what_is_no_finished_run_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert made(tmp_path / "nowhere") is None
    assert made(tmp_path) is None
    assert made(None) is None
