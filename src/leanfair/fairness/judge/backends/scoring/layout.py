"""How queries are laid out for forward passes: as trees, or as the rows of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from leanfair.fairness.judge.backends.tokens import Tokens


@dataclass(frozen=True)
class Query:
    """A prompt, and token sequences whose log-probabilities behind it are wanted."""

    prompt: Tokens
    answers: tuple[Tokens, ...]

    def paths(self) -> list[Tokens]:
        """What has to be behind the prompt for all answers to be read off: the answers without
        their last tokens, leaving out those that are the start of another."""
        starts = sorted({answer[:-1] for answer in self.answers})
        return [
            path
            for path, after in zip(starts, [*starts[1:], None], strict=True)
            if after is None or after[: len(path)] != path
        ]

    def longest(self) -> int:
        """The tokens of the prompt with the longest answer."""
        return len(self.prompt) + max(len(answer) for answer in self.answers)


@dataclass
class Layout:
    """Token rows for one forward pass, and which logits are to be read off it.

    `reads`: (query, answer, row, column, token): the log-probability of `token` behind what stands
    at that place is a term of that answer's. `parents`: of rows that are trees, the column of the
    token that each token follows, -1 for the first ones.
    """

    rows: list[list[int]] = field(default_factory=list)
    reads: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    parents: list[list[int]] | None = None


@dataclass(frozen=True)
class Room:
    """What one forward pass may hold: `tokens` that are computed (a query that needs more goes
    alone), and `queries`, None for any number. `keys`: to how many tokens one token can attend for
    as much work as its passage through the weights is."""

    tokens: int
    queries: int | None = None
    keys: int = 3000

    def full(self, queries: int) -> bool:
        return self.queries is not None and queries >= self.queries


MOST_KEYS = 4
"""Tokens that may be kept of the common start in all rows of a pass, for each that is computed."""
_COPY = 1 / 128
"""What a row costs for each token of the common start, which is copied for it, in tokens."""
_UNFILLED = 1 / 64
"""What a place costs that a pass leaves free, in tokens: weights are read once more for as many."""


def trees(queries: Sequence[Query], start: int, room: Room) -> Iterator[Layout]:
    """The queries as trees, without the `start` tokens that are kept elsewhere; each tree is a row.

    They come in the order of their tokens, so that those with a common start meet. A query joins
    the tree before it where what it shares is worth more than that all tokens of a row attend to
    each other. Trees of about the same size share a pass. A pass holds `room.tokens` at most, and
    MOST_KEYS times as many of the common start, or one tree."""
    order = sorted(range(len(queries)), key=lambda i: (queries[i].prompt, i))
    rows = [_Tree(start)]
    for index in order:
        if not _joins(rows[-1], queries[index], room):
            rows.append(_Tree(start))
        rows[-1].add(index, queries[index])
    layout = Layout(parents=[])
    for tree in sorted(rows, key=lambda tree: (tree.size(), tree.tokens)):
        count = len(layout.rows) + 1
        wide = count * tree.size() > room.tokens or count * start > MOST_KEYS * room.tokens
        if layout.rows and (wide or room.full(len(layout.queries) + len(tree.queries) - 1)):
            yield layout
            layout = Layout(parents=[])
        tree.put_into(layout)
    yield layout


def packs(queries: Sequence[Query], start: int, room: Room) -> Iterator[Layout]:
    """The queries as trees in one row a pass, without the `start` tokens that are kept elsewhere.

    They come in the order of their tokens, so that what some of them share is there once in a pass,
    whichever texts they are of. A pass holds `room.tokens` at most, or one query."""
    order = sorted(range(len(queries)), key=lambda i: (queries[i].prompt, i))
    while order:
        count = _pass_length(queries, order, start, room)
        tree, layout = _Tree(start), Layout(parents=[])
        for index in order[:count]:
            tree.add(index, queries[index])
        tree.put_into(layout)
        yield layout
        order = order[count:]


def _pass_length(queries: Sequence[Query], order: Sequence[int], start: int, room: Room) -> int:
    """How many queries the next pass takes: as many as there is room for, or fewer where the next
    one shares so much with those before it that it had better wait with them."""
    tree = _Tree(start)
    sizes: list[int] = []
    for index in order:
        full = room.full(len(sizes)) or tree.size() + tree.growth(queries[index]) > room.tokens
        if sizes and full:
            break
        tree.add(index, queries[index])
        sizes.append(tree.size())
    if len(sizes) == len(order):
        return len(order)

    def lost(count: int) -> float:
        one, other = (queries[order[i]].prompt for i in (count - 1, count))
        again = agreement(one, other) - start
        return again + _UNFILLED * (sizes[-1] - sizes[count - 1])

    return min(range(1, len(sizes) + 1), key=lambda count: (lost(count), -count))


def agreement(a: Tokens, b: Tokens) -> int:
    """How many tokens `a` and `b` have in common at their start."""
    if a == b[: len(a)]:
        return len(a)
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _joins(tree: _Tree, query: Query, room: Room) -> bool:
    """Whether `query` is laid out in `tree`, rather than in a row of its own."""
    size, grown, alone = tree.size(), tree.growth(query), _Tree(tree.start).growth(query)
    if not tree.queries:
        return True
    if size + grown > room.tokens or room.full(len(tree.queries)):
        return False
    fixed = room.keys + tree.start
    joined = grown * (fixed + 2 * size + grown)
    apart = alone * (fixed + alone) + _COPY * tree.start * room.keys
    return joined <= apart


def batches(queries: Sequence[Query], start: int, room: Room) -> Iterator[Layout]:
    """The queries as rows, without the `start` tokens that are kept elsewhere. They come in the
    order of their lengths, so that little is padded."""
    order = sorted(range(len(queries)), key=lambda i: (queries[i].longest(), i))
    layout = Layout()
    for index in order:
        query = queries[index]
        rows = len(layout.rows) + len(query.paths())
        wide = rows * (query.longest() - start) > room.tokens
        if layout.rows and (wide or room.full(len(layout.queries))):
            yield layout
            layout = Layout()
        _add_rows(layout, index, query, start)
    yield layout


class _Tree:
    """Queries being laid out as a tree in one row."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.tokens: list[int] = []
        self.queries: list[int] = []
        self._parents: list[int] = []
        self._reads: list[tuple[int, int, int, int]] = []
        self._children: dict[tuple[int, int], int] = {}

    def size(self) -> int:
        return len(self.tokens)

    def growth(self, query: Query) -> int:
        """How many tokens `query` would add at most."""
        rest, node = query.prompt[self.start :], -1
        behind = sum(len(path) for path in query.paths())
        for i, token in enumerate(rest):
            child = self._children.get((node, token))
            if child is None:
                return len(rest) - i + behind
            node = child
        return behind

    def add(self, index: int, query: Query) -> None:
        """Lay `query` out, from what of it is not there yet."""
        end = self._walk(-1, query.prompt[self.start :])
        self.queries.append(index)
        for number, answer in enumerate(query.answers):
            for i, token in enumerate(answer):
                place = self._walk(end, answer[:i])
                self._reads.append((index, number, place, token))

    def put_into(self, layout: Layout) -> None:
        """Make this tree the next row of `layout`."""
        assert layout.parents is not None
        row = len(layout.rows)
        layout.rows.append(self.tokens)
        layout.parents.append(self._parents)
        layout.queries.extend(self.queries)
        layout.reads.extend((query, n, row, at, token) for query, n, at, token in self._reads)

    def _walk(self, node: int, tokens: Tokens) -> int:
        for token in tokens:
            child = self._children.get((node, token))
            if child is None:
                child = self._children[node, token] = len(self.tokens)
                self.tokens.append(token)
                self._parents.append(node)
            node = child
        return node


def _add_rows(layout: Layout, index: int, query: Query, start: int) -> None:
    """One row for each path of `query`, without the `start` tokens that are kept elsewhere."""
    rest = query.prompt[start:]
    first = len(layout.rows)
    paths = query.paths()
    layout.rows.extend([*rest, *path] for path in paths)
    layout.queries.append(index)
    for number, answer in enumerate(query.answers):
        row = next(i for i, path in enumerate(paths) if path[: len(answer) - 1] == answer[:-1])
        layout.reads.extend(
            (index, number, first + row, len(rest) - 1 + i, token) for i, token in enumerate(answer)
        )
