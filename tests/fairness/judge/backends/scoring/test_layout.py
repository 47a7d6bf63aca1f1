"""However queries are laid out, each token of each answer is read behind the right tokens."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.judge.backends.scoring.layout import Layout, Query, Room, batches, trees

TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple)
START = (9, 8)
QUERIES = st.lists(
    st.builds(
        lambda rest, answers: Query((*START, *rest), answers),
        TOKENS,
        st.lists(TOKENS, min_size=1, max_size=4, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=6,
)
ROOMS = st.builds(Room, st.integers(1, 40), st.none() | st.integers(1, 3))


def seen(layout: Layout, row: int, column: int) -> tuple[int, ...]:
    """The tokens of a row that the one at `column` sees, itself the last."""
    tokens = layout.rows[row]
    if layout.parents is None:
        return tuple(tokens[: column + 1])
    path = []
    while column >= 0:
        path.append(tokens[column])
        column = layout.parents[column]
    return tuple(reversed(path))


@pytest.mark.parametrize("lay", [trees, batches])
@given(queries=QUERIES, room=ROOMS, start=st.sampled_from([0, len(START)]))
def test_every_token_of_every_answer_is_read_once_behind_its_own_prompt(
    lay, queries: list[Query], room: Room, start: int
) -> None:
    layouts = list(lay(queries, start, room))
    laid = Counter(index for layout in layouts for index in layout.queries)
    assert laid == Counter(range(len(queries)))
    read: Counter[tuple[int, int, int]] = Counter()
    for layout in layouts:
        for index, number, row, column, token in layout.reads:
            before = queries[index].prompt[start:]
            path = seen(layout, row, column)
            behind = path[len(before) :]
            assert path[: len(before)] == before
            answer = queries[index].answers[number]
            assert (*behind, token) == answer[: len(behind) + 1]
            read[index, number, len(behind)] += 1
    assert read == Counter(
        (index, number, place)
        for index, query in enumerate(queries)
        for number, answer in enumerate(query.answers)
        for place in range(len(answer))
    )


@pytest.mark.parametrize("lay", [trees, batches])
@given(queries=QUERIES, room=ROOMS)
def test_a_pass_holds_what_it_may_or_a_single_query(lay, queries: list[Query], room: Room) -> None:
    for layout in lay(queries, len(START), room):
        tokens = len(layout.rows) * max(map(len, layout.rows))
        assert tokens <= room.tokens or len(layout.queries) == 1
        assert room.queries is None or len(layout.queries) <= room.queries


def test_a_tree_holds_what_prompts_share_once() -> None:
    one, two = Query((9, 8, 1, 2, 3), ((7,),)), Query((9, 8, 1, 2, 4), ((7, 5),))
    [tree] = trees([one, two], len(START), Room(100))
    assert tree.rows == [[1, 2, 3, 4, 7]]
    assert tree.parents == [-1, 0, 1, 1, 3]
    assert tree.depths == [0, 1, 2, 2, 3]
    [batch] = batches([one, two], len(START), Room(100))
    assert batch.rows == [[1, 2, 3], [1, 2, 4, 7]]
