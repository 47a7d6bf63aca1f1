"""A token of a tree sees the common start, those that it follows, and itself."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.judge.backends.scoring.masks import tree_inputs

PARENTS = st.lists(
    st.integers(1, 8).flatmap(
        lambda n: st.tuples(*(st.integers(-1, node - 1) for node in range(n))).map(list)
    ),
    min_size=1,
    max_size=4,
)


@given(parents=PARENTS, start=st.integers(0, 3), more=st.integers(0, 2))
def test_what_each_token_sees_is_its_own_path(
    parents: list[list[int]], start: int, more: int
) -> None:
    width = max(map(len, parents)) + more
    made = tree_inputs(parents, width, start, torch.float32)
    mask, positions = made["attention_mask"], made["position_ids"]
    assert mask.shape == (len(parents), 1, width, start + width)
    assert set(mask.unique().tolist()) <= {0.0, torch.finfo(torch.float32).min}
    for row, of_row in enumerate(parents):
        for node in range(width):
            path = [node]
            while node < len(of_row) and of_row[path[-1]] >= 0:
                path.append(of_row[path[-1]])
            seen = (mask[row, 0, node] == 0).nonzero().flatten().tolist()
            assert seen == [*range(start), *sorted(start + one for one in path)]
            assert positions[row, node] == start + len(path) - 1
