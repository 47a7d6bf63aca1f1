"""However queries are laid out, each token of each answer is read behind the right tokens."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.judge.backends.scoring.layout import (
    MOST_KEYS,
    Layout,
    Query,
    Room,
    agreement,
    batches,
    packs,
    trees,
)

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
ROOMS = st.builds(Room, st.integers(1, 40), st.none() | st.integers(1, 3), st.integers(1, 5000))


def seen(layout: Layout, row: int, column: int) -> tuple[int, ...]:
    """The tokens of a row that the one at `column` sees, itself the last."""
    tokens = layout.rows[row]
    if layout.parents is None:
        return tuple(tokens[: column + 1])
    path = []
    while column >= 0:
        path.append(tokens[column])
        column = layout.parents[row][column]
    return tuple(reversed(path))


@pytest.mark.parametrize("lay", [packs, trees, batches])
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


@pytest.mark.parametrize("lay", [packs, trees, batches])
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
    assert tree.parents == [[-1, 0, 1, 1, 3]]
    [batch] = batches([one, two], len(START), Room(100))
    assert batch.rows == [[1, 2, 3], [1, 2, 4, 7]]


def test_texts_that_share_nothing_are_trees_of_their_own_in_one_pass() -> None:
    texts = [tuple(range(100 * n, 100 * n + 30)) for n in range(1, 4)]
    asked = [Query((*START, *text, value, *text), ((7,),)) for text in texts for value in (1, 2)]
    [layout] = trees(asked, len(START), Room(1000, keys=3000))
    assert [len(row) for row in layout.rows] == [30 + 2 * 31] * 3
    assert sorted(layout.queries) == list(range(6))


@given(queries=QUERIES, room=ROOMS)
def test_trees_compute_no_more_than_rows_do(queries: list[Query], room: Room) -> None:
    rows = sum(len(row) for layout in batches(queries, 2, room) for row in layout.rows)
    assert sum(len(row) for layout in trees(queries, 2, room) for row in layout.rows) <= rows


def test_a_long_common_start_is_not_copied_without_bounds() -> None:
    texts = [range(1000 * i, 1000 * i + 20) for i in range(1, 10)]
    asked = [Query((*range(99), *text), ((7,),)) for text in texts]
    rows = [len(layout.rows) for layout in trees(asked, 99, Room(64, keys=10))]
    assert max(rows) == MOST_KEYS * 64 // 99 < 64 // 20
    alone = [len(layout.rows) for layout in trees(asked, 99, Room(5, keys=10))]
    assert alone == [1] * len(asked)  # a row that has to be is there


@given(queries=QUERIES, room=ROOMS)
def test_a_packed_pass_is_one_row_without_any_start_twice(queries: list[Query], room: Room) -> None:
    for layout in packs(queries, len(START), room):
        [row] = layout.rows
        paths = [seen(layout, 0, column) for column in range(len(row))]
        assert len(set(paths)) == len(paths)


def test_a_pass_ends_where_the_next_one_has_least_to_compute_again() -> None:
    one, other = (1, *range(20, 40)), (2, *range(20, 40))
    asked = [Query((*START, *text, i), ((7,),)) for text in (one, other) for i in range(3)]
    first, second = packs(asked, len(START), Room(46))
    assert (first.queries, second.queries) == ([0, 1, 2], [3, 4, 5])


@given(a=st.lists(st.integers(0, 2), max_size=6), b=st.lists(st.integers(0, 2), max_size=6))
def test_what_two_prompts_agree_in_is_their_longest_common_start(
    a: list[int], b: list[int]
) -> None:
    length = agreement(tuple(a), tuple(b))
    assert a[:length] == b[:length]
    assert length == min(len(a), len(b)) or a[length] != b[length]
