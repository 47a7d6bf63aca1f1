"""How much has to go to save an amount, against all that can be tried."""

from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from leanfair.pruning.cost.matching import NEARLY, filled, nearest

AMOUNTS = st.lists(st.integers(0, 50), max_size=12)
BUNDLES = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 60)), max_size=12)


def _saved(bundles):
    return sum(saves for _, saves in bundles)


def _group(bundle):
    return bundle[0]


@given(AMOUNTS, st.integers(0, 400), st.integers(0, 400))
@example([0, 1], 0, 0)
def test_no_other_number_saves_nearer_to_the_goal_but_what_must_be_saved_is(amounts, goal, least):
    sums = [0, *accumulate(amounts)]
    n = nearest(goal, 0, lambda n: sums[n], len(amounts))
    something = [s for s in sums if s > 0] or [0]
    assert abs(sums[n] - goal) == min(abs(s - goal) for s in something)
    n = nearest(goal, least, lambda n: sums[n], len(amounts))
    assert sums[n] >= least or n == len(amounts)


@given(BUNDLES, st.integers(1, 400), st.integers(0, 400))
def test_what_fills_is_no_worse_than_any_beginning_of_the_order(order, goal, least):
    chosen = filled(order, goal, least, _saved, _group)
    enough = [order[:n] for n in range(len(order) + 1) if _saved(order[:n]) >= max(least, 1)]
    if enough:
        assert _saved(chosen) >= least
        assert abs(_saved(chosen) - goal) <= min(abs(_saved(each) - goal) for each in enough)


@given(BUNDLES, st.integers(1, 400), st.integers(0, 400))
def test_of_each_group_the_first_go_and_in_order(order, goal, least):
    chosen = list(filled(order, goal, least, _saved, _group))
    for name in "abcd":
        mine = [each for each in chosen if _group(each) == name]
        assert mine == [each for each in order if _group(each) == name][: len(mine)]


@given(BUNDLES, st.integers(1, 400))
def test_where_fine_steps_fit_nothing_is_passed_over(order, goal):
    beginnings = [order[:n] for n in range(1, len(order) + 1)]
    best = min(beginnings, key=lambda each: abs(_saved(each) - goal), default=[])
    if NEARLY * goal <= _saved(best) <= goal / NEARLY:
        found = filled(order, goal, 0, _saved, _group)
        assert abs(_saved(found) - goal) == abs(_saved(best) - goal)


def test_a_step_that_is_much_too_much_is_passed_over_for_smaller_ones():
    order = [("a", 40), ("b", 150), ("c", 30), ("b", 150), ("c", 30), ("d", 5)]
    assert filled(order, 100, 0, _saved, _group) == [order[0], order[2], order[4]]


def test_where_all_steps_are_too_much_the_smallest_excess_goes():
    order = [("a", 90), ("b", 70), ("c", 80)]
    assert filled(order, 10, 0, _saved, _group) == [("b", 70)]
