"""From dyed positions to runs, and from two groups whose channels meet to one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from leanfair.pruning.structures.groups import Group, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.layout import MOST_RUNS, Run, halves, runs


def dyed(found: list[Run], some: Tensor, size: int) -> Tensor:
    """The positions of neurons `some`, one by one."""
    where = torch.zeros(size, dtype=torch.bool)
    for run in found:
        for i in some.nonzero().flatten().tolist():
            where[run.offset + i * run.repeat : run.offset + (i + 1) * run.repeat] = True
    return where


@given(
    count=st.integers(2, 9),
    repeat=st.integers(1, 3),
    gaps=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
def test_any_runs_are_found_again(count: int, repeat: int, gaps: list[int]) -> None:
    made, at = [], 0
    for gap in gaps:
        made.append(Run(at + gap, repeat))
        at = made[-1].stop(count)
    whole = dyed(made, torch.ones(count, dtype=torch.bool), at + 2)
    parts = [(half, dyed(made, half, at + 2)) for half in (halves(count, 0), halves(count, 1))]
    assert runs(whole, parts, count, 1) == tuple(made)


@given(count=st.integers(8, 30), seed=st.integers(0, 10**6))
def test_a_shuffle_is_told_from_order(count: int, seed: int) -> None:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    parts = [(half, half[order]) for half in (halves(count, 0), halves(count, 1))]
    found = runs(torch.ones(count, dtype=torch.bool), parts, count, 1)
    assert (found is None) == any(not torch.equal(half, where) for half, where in parts)


def test_too_many_runs_and_units_that_are_cut_in_two_are_refused() -> None:
    many = [Run(3 * i, 1) for i in range(MOST_RUNS + 1)]
    everything = torch.ones(2, dtype=torch.bool)
    assert runs(dyed(many, everything, 40), [], 2, 1) is None
    assert runs(dyed([Run(1, 2)], everything, 8), [], 2, 2) is None
    assert runs(dyed([Run(2, 2)], everything, 8), [], 2, 2) == (Run(2, 2),)


def group(name: str, count: int, reads: Run) -> Group:
    return Group(name, "block", count, {(name, "out"): (Run(0, 1),), ("reader", "in"): (reads,)})


def test_groups_side_by_side_stay_apart() -> None:
    assert not meet(group("a", 4, Run(0, 1)), group("b", 4, Run(4, 1)))


def test_the_finer_group_takes_the_grain_of_the_coarser() -> None:
    one, other = group("a", 8, Run(0, 1)), group("b", 4, Run(0, 2))
    assert meet(one, other)
    both = joined(one, other)
    assert (both.name, both.count) == ("a", 4)
    assert both.spans == {
        ("a", "out"): (Run(0, 2),), ("reader", "in"): (Run(0, 2),), ("b", "out"): (Run(0, 1),)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "why"),
    [(group("b", 8, Run(2, 1)), "mixed"), (group("b", 5, Run(0, 1)), "one to one")],
)
def test_groups_that_meet_halfway_are_refused(other: Group, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        joined(group("a", 8, Run(0, 1)), other)
