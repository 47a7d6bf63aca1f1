"""Work measured in turn, with a meter of known watts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leanfair.errors import InputError
from leanfair.evaluation.energy import turns
from leanfair.evaluation.energy.reading import JOULES, Energy
from leanfair.evaluation.energy.turns import (
    Block,
    in_turn,
    kwh_each,
    mean_of,
    ratio_of,
    used,
)
from tests.support.meters import Deaf, Hand, Watts

values = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=8)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(turns, "time", made)
    return made


def lasting(
    hand: Hand, seconds: float, samples: int, log: list[str], name: str
) -> Callable[[], int]:
    def work() -> int:
        hand.now += seconds
        log.append(name)
        return samples

    return work


def test_a_sample_takes_its_time_times_the_watts(hand: Hand) -> None:
    log: list[str] = []
    works = {
        "parent": lasting(hand, 0.5, 10, log, "parent"),
        "child": lasting(hand, 0.25, 10, log, "child"),
    }
    found = in_turn(works, Watts(hand, 36.0), seconds=16.0, rounds=4)
    for name, each in (("parent", 0.05), ("child", 0.025)):
        assert [block.seconds for block in found[name]] == pytest.approx([each] * 4)
        assert kwh_each(found[name]) == pytest.approx([36.0 * each / JOULES] * 4)
    assert used(found["parent"]).kwh == pytest.approx(36.0 * used(found["parent"]).seconds / JOULES)


def test_order_alternates_and_every_work_is_warmed_up(hand: Hand) -> None:
    log: list[str] = []
    works = {name: lasting(hand, 9.0, 1, log, name) for name in ("a", "b")}
    in_turn(works, Watts(hand), seconds=4.0, rounds=3)
    assert log == ["a", "b", *"ab", *"ba", *"ab"]


def test_a_block_does_its_work_once_even_where_that_takes_too_long(hand: Hand) -> None:
    found = in_turn({"a": lasting(hand, 99.0, 3, [], "a")}, Watts(hand), seconds=0.1, rounds=2)
    assert [block.samples for block in found["a"]] == [3, 3]


def test_without_a_measure_seconds_are_known_and_energy_is_not(hand: Hand) -> None:
    found = in_turn({"a": lasting(hand, 1.0, 4, [], "a")}, Deaf(hand), seconds=2.0, rounds=2)
    assert kwh_each(found["a"]) is None
    assert found["a"][0].seconds == 0.25


@pytest.mark.parametrize(("seconds", "rounds"), [(0.0, 3), (-1.0, 3), (float("nan"), 3), (1.0, 0)])
def test_no_time_and_no_rounds_are_refused(seconds: float, rounds: int) -> None:
    with pytest.raises(InputError, match="Energy is measured"):
        in_turn({"a": lambda: 1}, Watts(), seconds, rounds)


@given(values)
def test_the_interval_of_a_mean_is_scipy_s(found: list[float]) -> None:
    mine = mean_of(found)
    low, high = stats.t.interval(
        0.95, len(found) - 1, loc=np.mean(found), scale=stats.sem(found) or 1e-300
    )
    assert mine.value == pytest.approx(np.mean(found))
    assert mine.low == pytest.approx(low, abs=1e-9)
    assert mine.high == pytest.approx(high, abs=1e-9)


@given(values, st.floats(0.01, 100))
def test_a_ratio_of_everything_by_a_factor_is_that_factor(found: list[float], by: float) -> None:
    ratio = ratio_of(found, [by * value for value in found])
    assert ratio is not None
    assert ratio.value == pytest.approx(by)
    assert ratio.low == pytest.approx(by)
    assert ratio.high == pytest.approx(by)


def test_one_block_has_no_interval_and_nothing_no_ratio() -> None:
    assert mean_of([2.0]).low is None
    assert ratio_of([1.0], [0.0]) is None
    assert ratio_of([1.0], [2.0]).high is None  # type: ignore[union-attr]


def test_a_block_that_is_not_known_makes_the_list_unknown() -> None:
    known = Block(Energy(1.0, 2.0, "measured"), 4)
    assert known.kwh == 0.5
    assert kwh_each([known, Block(Energy(1.0), 4)]) is None
    assert kwh_each([]) is None


@pytest.mark.parametrize(("each", "rounds"), [(0.1, 8), (1.0, 5), (9.0, 3)])
def test_work_that_takes_long_is_done_in_fewer_blocks(hand: Hand, each: float, rounds: int) -> None:
    works = {name: lasting(hand, each, 1, [], name) for name in ("a", "b")}
    assert len(in_turn(works, Watts(hand), seconds=10.0)["b"]) == rounds
