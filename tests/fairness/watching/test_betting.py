"""The test by betting: its capital is an e-process, and it finds what is there."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from leanfair.fairness.watching import betting
from leanfair.fairness.watching.betting import Capital


def capital(outcomes: list[list[float]], values: list[float], limit: float) -> Capital:
    made = Capital(values, limit)
    for window in outcomes:
        made.add([window.count(value) for value in values])
    return made


def by_hand(outcomes: list[list[float]], values: list[float], limit: float) -> float:
    """The same money, bet by bet and gambler by gambler."""
    money = 1 / (len(outcomes) + 1)
    for start in range(len(outcomes)):
        for share in betting.BETS:
            held = 1 / ((start + 1) * (start + 2)) / len(betting.BETS)
            for y in (y for window in outcomes[start:] for y in window):
                held *= 1 + share / (limit - values[0]) * (y - limit)
            money += held
    return money


@pytest.mark.parametrize("limit", [0.01, 0.2, 0.5])
@pytest.mark.parametrize("values", [[0.0, 1.0], [-1.0, 0.0, 1.0]])
def test_the_capital_is_that_of_gamblers_one_by_one(values: list[float], limit: float) -> None:
    rng = np.random.default_rng(3)
    outcomes = [[float(y) for y in rng.choice(values, 7)] for _ in range(5)]
    made = capital(outcomes, values, limit)
    assert math.exp(made.log()) == pytest.approx(by_hand(outcomes, values, limit))
    assert made.n == 35
    assert made.mean == pytest.approx(np.mean(outcomes))


@pytest.mark.parametrize("limit", [0.05, 0.3])
def test_where_the_claim_holds_no_money_can_be_expected_to_grow(limit: float) -> None:
    """Exactly: over all ways in which three windows of two outcomes may come, each with its
    probability at the limit itself."""
    expected = 0.0
    for ways in product([0.0, 1.0], repeat=6):
        chance = math.prod(limit if y else 1 - limit for y in ways)
        windows = [list(ways[i : i + 2]) for i in (0, 2, 4)]
        expected += chance * math.exp(capital(windows, [0.0, 1.0], limit).log())
    assert expected == pytest.approx(1)


def test_before_anything_came_and_where_nothing_came_it_is_what_it_was() -> None:
    made = Capital([0, 1], 0.1)
    assert made.log() == 0
    assert math.isnan(made.mean)
    made.add([0, 0])
    assert made.log() == pytest.approx(0)


def test_what_must_never_be_is_refuted_by_one() -> None:
    made = capital([[0.0] * 50], [0.0, 1.0], 0.0)
    assert made.log() == pytest.approx(0)
    made.add([10, 1])
    assert made.log() == math.inf


def test_gamblers_who_leave_take_money_with_them_and_add_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    outcomes = [[float(y) for y in rng.random(20) < 0.3] for _ in range(12)]
    whole = capital(outcomes, [0.0, 1.0], 0.2).log()
    monkeypatch.setattr(betting, "MOST_STARTS", 4)
    assert capital(outcomes, [0.0, 1.0], 0.2).log() < whole


@pytest.mark.parametrize("limit", [0.05, 0.2])
def test_alarms_without_cause_are_as_rare_as_was_said_however_often_one_looks(limit: float) -> None:
    """120 streams of 25 windows, tested at the end of each: at 0.05, at most 6 alarms, and 15 would
    come by chance once in a thousand times."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(120):
        made = Capital([0, 1], limit)
        for flips in rng.binomial(50, limit, 25):
            made.add([50 - flips, flips])
            if made.log() >= math.log(20):
                alarms += 1
                break
    assert alarms < 15


def test_what_begins_late_is_found() -> None:
    """Twenty windows at 2 %, then 15 %: found within a few windows against a limit of 5 %."""
    rng = np.random.default_rng(0)
    made = Capital([0, 1], 0.05)
    for flips in rng.binomial(100, 0.02, 20):
        made.add([100 - flips, flips])
    assert made.log() < 0
    logs = []
    for flips in rng.binomial(100, 0.15, 5):
        made.add([100 - flips, flips])
        logs.append(made.log())
    assert max(logs) >= math.log(20)
