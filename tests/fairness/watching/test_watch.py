"""Windows and alarms."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from leanfair.errors import InputError
from leanfair.fairness.watching.stream import Served
from leanfair.fairness.watching.watch import Alarm, Limits, Watch, Window


def watched(
    decisions: Iterable[Served], limits: Limits, size: int = 100
) -> tuple[list[Window], list[Alarm]]:
    """The windows until the first alarm."""
    watch, windows = Watch(limits, size), []
    for coming in (watch.add(decisions), watch.end()):
        for window, alarms in coming:
            windows.append(window)
            if alarms:
                return windows, alarms
    return windows, []


def people(n: int, flips: float, rates: dict[str, float], seed: int = 0) -> list[Served]:
    rng = np.random.default_rng(seed)
    groups = rng.choice(list(rates), n)
    return [
        Served(
            "yes" if rng.random() < rates[g] else "no", "answered", bool(rng.random() < flips), g
        )
        for g in groups
    ]


def test_flips_above_the_limit_are_told_and_those_below_are_not() -> None:
    calm = people(3000, 0.03, {"a": 0.5})
    assert watched(calm, Limits(flip_rate=0.05))[1] == []
    windows, alarms = watched(people(3000, 0.15, {"a": 0.5}), Limits(flip_rate=0.05))
    assert len(windows) < 8
    assert alarms[0].what == "The flip rate"
    assert alarms[0].mean > 0.05
    assert alarms[0].at == 100 * len(windows)
    assert "is above 0.05" in alarms[0].sentence


@pytest.mark.parametrize(("high", "low"), [("a", "b"), ("b", "a")])
def test_a_difference_is_told_with_who_is_ahead(high: str, low: str) -> None:
    limits = Limits(difference=0.1, favourable="yes")
    fair = people(3000, 0, {"a": 0.5, "b": 0.45, "c": 0.5})
    assert watched(fair, limits)[1] == []
    unfair = people(3000, 0, {high: 0.7, low: 0.3, "c": 0.5})
    windows, alarms = watched(unfair, limits)
    assert alarms[0].what == f"The difference between {high} and {low}"
    assert windows[0].rates[high] > windows[0].rates[low]


def test_what_is_no_decision_counts_for_no_rate_and_what_declined_does() -> None:
    held = [Served(None, status, None, "a") for status in ("failed", "empty", "refused")]
    windows, _ = watched(held, Limits(difference=0.1, favourable="yes"), size=3)
    assert windows[0].rates == {"a": 0.0}
    assert windows[0].statuses == {"empty": 1, "failed": 1, "refused": 1}
    assert windows[0].flip_rate is None


def test_half_of_a_pair_waits_and_memory_is_bounded() -> None:
    watch = Watch(Limits(difference=0.1, favourable="yes"), 10)
    assert list(watch.add(Served("yes", "answered", None, group) for group in "abaa")) == []
    assert {pair: len(waiting) for pair, waiting in watch.unpaired.items()} == {
        ("a", "b"): 1, ("b", "a"): 0,
    }  # fmt: skip
    assert all(waiting.maxlen for waiting in watch.unpaired.values())


def test_tests_share_the_false_alarms() -> None:
    watch = Watch(Limits(0.05, 0.1, "yes", 0.04))
    list(watch.add(people(50, 0, dict.fromkeys("abcde", 0.5))))
    assert sum(test.alpha for test in watch.tests.values()) <= 0.04
    assert len(watch.tests) == 1 + 5 * 4


def test_the_last_window_may_be_short() -> None:
    windows, _ = watched(people(250, 0, {"a": 0.5}), Limits(flip_rate=0.5))
    assert [window.n for window in windows] == [100, 100, 50]


def test_without_a_limit_there_is_nothing_to_watch_for() -> None:
    with pytest.raises(InputError, match="needs a limit"):
        Limits()
    with pytest.raises(InputError, match="favourable"):
        Limits(difference=0.1)
