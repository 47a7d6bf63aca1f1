"""Groups of neurons are joined where they lie one to one, and refused where they do not."""

from __future__ import annotations

import pytest
import torch

from leanfair.pruning.structures.groups import Group, Place, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.layout import Run
from leanfair.pruning.types import Member


def group(name: str, count: int, spans: dict[Place, tuple[Run, ...]]) -> Group:
    return Group(name, "block", count, {(name, "out"): (Run(0, 1),), **spans})


def reads(name: str, offset: int, count: int, repeat: int = 1) -> Group:
    """A group whose neurons `reader` reads from a position on."""
    return group(name, count, {("reader", "in"): (Run(offset, repeat),)})


def test_groups_meet_where_a_position_is_in_both_and_not_where_they_touch() -> None:
    first = reads("a", 0, 4)
    assert meet(first, reads("b", 3, 4))
    assert meet(reads("b", 3, 4), first)
    assert not meet(first, reads("b", 4, 4))
    assert not meet(first, group("b", 4, {("reader", "both"): (Run(0, 1),)}))


def test_joined_groups_have_the_positions_of_both_once_under_the_first_name() -> None:
    whole = joined(reads("a", 0, 4), reads("b", 0, 4)).neurons()
    assert (whole.name, whole.count) == ("a", 4)
    assert sorted(member.module for member in whole.members) == ["a", "b", "reader"]
    apart = joined(reads("a", 0, 4), reads("b", 4, 4)).neurons()
    assert [m for m in apart.members if m.module == "reader"] == [
        Member("reader", "in", 0, 1), Member("reader", "in", 4, 1),
    ]  # fmt: skip


def test_neighbours_are_combined_until_both_groups_have_equal_numbers() -> None:
    fine, coarse = reads("a", 0, 6), reads("b", 0, 2, repeat=3)
    for whole in (joined(fine, coarse), joined(coarse, fine)):
        assert whole.count == 2
        assert whole.spans == {
            ("a", "out"): (Run(0, 3),), ("b", "out"): (Run(0, 1),),
            ("reader", "in"): (Run(0, 3),),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "why"),
    [(reads("b", 0, 3), "do not lie one to one"), (reads("b", 1, 4), "are mixed")],
)
def test_neurons_that_do_not_correspond_are_refused_by_name(other: Group, why: str) -> None:
    with pytest.raises(RefusedError, match=f"the channels of a and b {why}"):
        joined(reads("a", 0, 4), other)


def test_a_group_touches_marked_positions_of_its_own_only() -> None:
    some = reads("a", 2, 2, repeat=2)
    for position in range(8):
        assert some.touches({("reader", "in"): torch.arange(8) == position}) == (2 <= position < 6)
    assert not some.touches({("other", "in"): torch.ones(8, dtype=torch.bool)})
