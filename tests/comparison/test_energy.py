"""The energy of two models, with meters of known watts on a clock that the models move."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leanfair
from leanfair.comparison.comparing import compare
from leanfair.comparison.energy import energy_of, said_of
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.schema.energy import Energy
from leanfair.comparison.sides.fitting import fitted
from leanfair.errors import InputError
from leanfair.evaluation.energy import turns
from leanfair.evaluation.energy.reading import JOULES
from leanfair.pruning import loop
from tests.support.meters import Deaf, Hand, Watts, opened
from tests.support.nets import samples, tiny
from tests.support.pairs import small_comparison
from tests.support.schemas import misfits

DATA = [(torch.randn(8, 6), torch.arange(8) % 3)]
BRIEF: dict[str, Any] = {"seconds": 8.0, "batch_size": 4}


class Slow(nn.Module):
    """Moves a clock by `each` second for each sample."""

    def __init__(self, hand: Hand, each: float) -> None:
        super().__init__()
        self.hand, self.each, self.layer = hand, each, nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.hand.now += self.each * len(x)
        out: Tensor = self.layer(x)
        return out

    def __deepcopy__(self, memo: Any) -> Slow:
        twin = Slow(self.hand, self.each)
        twin.load_state_dict(self.state_dict())
        return twin


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(turns, "time", made)
    return made


def pair_of(hand: Hand, parent: float = 0.02, child: float = 0.01, **more: Any) -> Pair:
    sides = Side("Parent", Slow(hand, parent).eval()), Side("Child", Slow(hand, child).eval())
    return fitted(*sides, DATA, **more)


def test_a_million_inferences_take_watts_times_the_time_of_each(hand: Hand) -> None:
    meters = opened(Watts(hand, 36.0))
    found = energy_of(pair_of(hand), DATA, grid_intensity=100.0, meters=meters, **BRIEF)
    assert misfits(found, Energy, "energy") == []
    work = found["inference"]
    assert (work["samples"], work["kind"], work["rounds"]) == (1_000_000, "measured", 8)
    for side, each in (("parent", 0.02), ("child", 0.01)):
        amount = work[side]  # type: ignore[literal-required]
        assert amount["seconds"] == pytest.approx(1e6 * each)
        assert amount["kwh"] == pytest.approx(1e6 * each * 36.0 / JOULES)
        assert amount["grams"] == pytest.approx(100.0 * amount["kwh"])
        assert amount["processor"] == pytest.approx(amount["kwh"])  # all that this meter sees
    ratio = work["energy_ratio"]
    assert ratio is not None
    assert ratio["value"] == pytest.approx(0.5)
    assert ratio["low"] == pytest.approx(0.5)
    assert ratio["high"] == pytest.approx(0.5)


def test_an_epoch_of_fine_tuning_is_measured_on_copies(hand: Hand) -> None:
    pair = pair_of(hand)
    before = [deepcopy(side.model.state_dict()) for side in pair.sides]
    found = energy_of(pair, DATA, meters=opened(Watts(hand, 36.0)), **BRIEF)["fine_tuning"]
    assert found is not None
    assert found["samples"] == 1000
    assert found["parent"]["kwh"] == pytest.approx(1000 * 0.02 * 36.0 / JOULES)
    assert found["child"]["seconds"] == pytest.approx(10.0)
    for side, state in zip(pair.sides, before, strict=True):
        now = side.model.state_dict()
        assert all(torch.equal(now[name], value) for name, value in state.items())
        assert not side.model.training


@pytest.mark.parametrize("factor", [0.0, 2.0, 7.5])
def test_carbon_is_linear_in_the_grid_s_intensity(hand: Hand, factor: float) -> None:
    def grams(intensity: float) -> float:
        meters = opened(Watts(Hand(), 36.0))
        local = meters().__enter__().clock  # type: ignore[union-attr]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(turns, "time", local)
            found = energy_of(
                pair_of(local), DATA, grid_intensity=intensity, meters=meters, **BRIEF
            )
        value = found["inference"]["child"]["grams"]
        assert value is not None
        return value

    assert grams(factor * 100.0) == pytest.approx(factor * grams(100.0))


def test_without_a_measure_time_is_told_and_energy_is_not_known(hand: Hand) -> None:
    found = energy_of(pair_of(hand), DATA, meters=opened(Deaf(hand)), **BRIEF)
    assert misfits(found, Energy, "energy") == []
    work = found["inference"]
    assert (work["kind"], work["parent"]["kwh"], work["energy_ratio"]) == ("unknown", None, None)
    assert work["time_ratio"]["value"] == pytest.approx(0.5)
    assert "it is deaf" in work["basis"]
    assert said_of(found).unknown == ("the energy that it takes",)


def test_data_without_labels_leave_fine_tuning_out_and_say_why(hand: Hand) -> None:
    bare = [DATA[0][0]]
    pair = fitted(Side("Parent", Slow(hand, 0.1)), Side("Child", Slow(hand, 0.1)), bare)
    found = energy_of(pair, bare, meters=opened(Watts(hand)), **BRIEF)
    assert found["fine_tuning"] is None
    assert "no labels" in (found["untrained"] or "")


def test_a_region_that_is_not_known_is_refused_before_anything_is_measured(hand: Hand) -> None:
    with pytest.raises(InputError, match="no grid of the region"):
        energy_of(pair_of(hand), DATA, region="ATLANTIS", meters=opened(Watts(hand)), **BRIEF)
    assert hand.now < 1.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pruning run that took 1 kWh, as it recorded."""
    path = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "metering", opened(Watts(watts=0.0, more=JOULES)))
        leanfair.prune(
            tiny(), calibration=samples(24), out=path, cut=0.3, criterion="l1", min_layers=1,
            latency_batches=(),
        )  # fmt: skip
    return path


def with_run(pair: Pair, run: Path) -> Pair:
    child = Side(pair.child.name, pair.child.model, path=run)
    return Pair(pair.parent, child, pair.problem, pair.is_language, pair.classes)


def test_the_break_even_is_the_run_s_energy_over_what_a_sample_saves(hand: Hand, run: Path) -> None:
    pair = with_run(pair_of(hand), run)
    found = energy_of(pair, DATA, meters=opened(Watts(hand, 36.0)), **BRIEF)
    making, even = found["pruning"], found["break_even"]
    assert making is not None
    assert making["recorded"]
    assert making["total"]["kwh"] == pytest.approx(1.0)
    assert even is not None
    # 0.01 s at 36 W are saved for a sample: 1e-7 kWh.
    assert even["samples"] == pytest.approx(1e7)
    assert even["saved"] == pytest.approx(0.1)
    assert even["low"] == pytest.approx(1e7)
    assert even["high"] == pytest.approx(1e7)


def test_a_child_that_takes_more_never_pays(hand: Hand, run: Path) -> None:
    pair = with_run(pair_of(hand, parent=0.01, child=0.02), run)
    even = energy_of(pair, DATA, meters=opened(Watts(hand)), **BRIEF)["break_even"]
    assert even is not None
    assert even["samples"] is None
    assert even["saved"] < 0


def test_a_child_that_is_no_run_has_no_break_even(hand: Hand, tmp_path: Path) -> None:
    pair = with_run(pair_of(hand), tmp_path)
    found = energy_of(pair, DATA, meters=opened(Watts(hand)), **BRIEF)
    assert found["pruning"] is None
    assert found["break_even"] is None


Change = Callable[[Energy], None]


@pytest.mark.parametrize(
    ("low", "high", "kind", "side", "words"),
    [
        (0.4, 0.6, "measured", "won", "takes 50% less energy to infer"),
        (0.4, 0.6, "estimated", "won", "takes 50% less energy to infer (an estimate)"),
        (1.1, 1.9, "measured", "lost", "takes 50% more energy to infer"),
        (0.9, 1.1, "measured", "unknown", "whether it takes less energy to infer"),
    ],
)
def test_the_headline_calls_an_estimate_one(
    low: float, high: float, kind: Any, side: str, words: str
) -> None:
    found = deepcopy(small_comparison().summary["energy"])
    assert found is not None
    found["inference"]["kind"] = kind
    found["inference"]["energy_ratio"] = {"value": (low + high) / 2, "low": low, "high": high}
    assert getattr(said_of(found), side) == (words,)
    assert said_of(None).won == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"region": "ATLANTIS"}, "no grid of the region"),
        ({"grid_intensity": -1.0}, "grid_intensity"),
        ({"seconds": -1.0}, "seconds is how long"),
        ({"seconds": float("nan")}, "seconds is how long"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_opened(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        compare("nowhere", "nothing", **given)


def test_no_seconds_leave_cost_and_energy_out() -> None:
    found = compare(tiny(), tiny(seed=1), test=samples(8), seconds=0).summary
    assert (found["cost"], found["energy"]) == (None, None)
    assert {"cost", "energy"}.isdisjoint(found["missing"])
