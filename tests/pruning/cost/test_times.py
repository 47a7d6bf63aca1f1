"""What a network takes after a cut, by the times of its blocks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from leanfair.pruning.cost.times import Curve, Times, Width
from leanfair.pruning.types import NeuronCut, Neurons

SMALL = hypothesis(max_examples=60, deadline=None)
CURVE = Curve((1, 4, 8), (40, 60, 100))


def group(name: str, block: str, count: int) -> Neurons:
    return Neurons(name, block, count, ())


def two_blocks() -> Times:
    """Two blocks of 100 ns, one with one group of neurons and one with two; 30 ns of rest."""
    widths = {
        "a.mid": Width("a", CURVE, 8),
        "b.one": Width("b", CURVE, 8),
        "b.two": Width("b", Curve((1, 8), (50, 100)), 8),
    }
    return Times(30, {"a": 100, "b": 100}, widths)


@pytest.mark.parametrize(
    ("width", "time"), [(1, 40), (2, 40 + 20 / 3), (4, 60), (6, 80), (8, 100), (9, 100), (0, 40)]
)
def test_a_curve_is_straight_between_what_was_measured(width, time):
    assert CURVE.at(width) == pytest.approx(time)


def test_a_block_that_goes_takes_its_time_with_it():
    assert two_blocks().total == 230
    assert two_blocks().without(["a"]).total == 130
    assert two_blocks().without(["a", "b"]).total == 30


def test_neurons_that_go_leave_the_block_what_was_measured_of_it():
    cut = NeuronCut(group("a.mid", "a", 8), tuple(range(4)))
    assert two_blocks().without(neurons=[cut]).total == 190
    other = NeuronCut(group("b.two", "b", 8), tuple(range(7)))
    assert two_blocks().without(neurons=[cut, other]).total == 30 + 60 + 50
    both = NeuronCut(group("b.one", "b", 8), tuple(range(4)))
    assert two_blocks().without(neurons=[both, other]).total == 30 + 100 + 30


def test_neurons_outside_of_blocks_save_of_the_rest():
    times = Times(100, {"a": 10}, {"fc": Width("", CURVE, 8)})
    assert times.without(neurons=[NeuronCut(group("fc", "", 8), (0, 1, 2, 3))]).total == 70


def test_neurons_that_were_not_measured_save_nothing():
    assert two_blocks().without(neurons=[NeuronCut(group("c", "b", 8), (0,))]).total == 230


def test_names_change_with_the_network():
    times = two_blocks().without(["a"]).renamed(lambda name: name.replace("b", "a"))
    assert times.blocks == {"a": 100}
    cut = NeuronCut(group("a.one", "a", 8), tuple(range(4)))
    assert times.without(neurons=[cut]).total == 30 + 60


@SMALL
@given(seed=st.integers(0, 10**6))
def test_the_more_goes_the_less_time_is_left_and_never_less_than_none(seed):
    rng = random.Random(seed)
    times, before = two_blocks(), two_blocks().total
    for _ in range(6):
        name = rng.choice(sorted(times.widths) or ["b.one"])
        left = times.widths[name].count if name in times.widths else 1
        if rng.random() < 0.2:
            times = times.without([rng.choice(["a", "b"])])
        elif left > 1:
            drop = tuple(range(rng.randrange(1, left)))
            block = times.widths[name].block
            times = times.without(neurons=[NeuronCut(group(name, block, left), drop)])
        assert 0 <= times.total <= before
        before = times.total
