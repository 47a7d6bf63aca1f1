"""In a packed pass every token sees the common start, those that it follows, and itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.judge.backends.scoring import packing
from leanfair.fairness.judge.backends.scoring.packing import Packing, pack

PARENTS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        # mostly chains, as texts are
        *(st.integers(-1, node - 1) | st.just(node - 1) for node in range(n))
    ).map(list)
)


def path(parents: list[int], node: int) -> list[int]:
    found = []
    while node >= 0:
        found.append(node)
        node = parents[node]
    return sorted(found)


def seen(packed: Packing) -> list[list[int]]:
    """The columns that each token sees, as groups say it."""
    rows = []
    for group in packed.groups:
        keys = group.keys.view(group.rows, group.width)
        assert group.mask.shape == (group.rows, 1, group.length, group.width)
        for row in range(group.rows):
            for place in range(group.length):
                rows.append(sorted(keys[row, group.mask[row, 0, place] == 0].tolist()))
    return [rows[place] for place in packed.places.tolist()]


@pytest.mark.parametrize(
    ("longest", "together", "most"), [(64, 32, 1 << 15), (64, 64, 1 << 15), (3, 2, 8)]
)
@given(parents=PARENTS, start=st.integers(0, 3))
def test_what_each_token_sees_is_its_own_path(
    longest: int, together: int, most: int, parents: list[int], start: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_LONGEST", longest)
        patch.setattr(packing, "_TOGETHER", together)
        patch.setattr(packing, "_MOST_KEYS", most)
        packed = pack(parents, start, torch.float32)
    expected = [path(parents, node) for node in range(len(parents))]
    assert seen(packed) == expected
    assert packed.positions.tolist() == [[start + len(found) - 1 for found in expected]]
    queries = torch.cat([group.queries for group in packed.groups])
    assert queries[packed.places].tolist() == list(range(len(parents)))
    for group in packed.groups:
        assert group.rows == 1 or group.rows * group.width <= most
        assert (group.mask == 0).any(-1).all()  # nothing is divided by zero


def test_texts_of_about_the_same_size_are_a_group_and_need_no_token_of_each_other() -> None:
    stem, branch = list(range(-1, 29)), [29, *range(30, 63)]
    parents = stem + branch + [29, *range(64, 97)]
    first, second = pack(parents, 0, torch.float32).groups
    assert (first.rows, first.length, first.width) == (1, 30, 30)
    assert (second.rows, second.length, second.width) == (2, 34, 64)


def test_short_segments_of_a_path_are_a_row_and_long_ones_have_rows_of_their_own() -> None:
    stem = list(range(-1, 29))
    short = [*stem, 29, *range(30, 39), 29, *range(40, 49)]  # two of ten
    [_, together] = pack(short, 0, torch.float32).groups
    assert (together.rows, together.length, together.width) == (1, 20, 50)
    long = [*stem, 29, *range(30, 49), 29, *range(50, 69)]  # two of twenty
    [_, apart] = pack(long, 0, torch.float32).groups
    assert (apart.rows, apart.length, apart.width) == (2, 20, 50)
