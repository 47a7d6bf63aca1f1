"""How queries are laid out for forward passes: as a tree in one row, or as the rows of a batch."""

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
    at that place is a term of that answer's.
    """

    rows: list[list[int]] = field(default_factory=list)
    reads: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    parents: list[int] | None = None
    depths: list[int] | None = None


@dataclass(frozen=True)
class Room:
    """What one forward pass may hold: `tokens` that are computed (a query that needs more goes
    alone), and `queries`, None for any number."""

    tokens: int
    queries: int | None = None

    def full(self, layout: Layout) -> bool:
        return self.queries is not None and len(layout.queries) >= self.queries


def trees(queries: Sequence[Query], start: int, room: Room) -> Iterator[Layout]:
    """The queries as trees, without the `start` tokens that are kept elsewhere. They come in the
    order of their tokens, so that those with a common start meet."""
    order = sorted(range(len(queries)), key=lambda i: (queries[i].prompt, i))
    tree = _Tree(start)
    for index in order:
        wide = tree.size() + tree.growth(queries[index]) > room.tokens
        if tree.layout.queries and (wide or room.full(tree.layout)):
            yield tree.done()
            tree = _Tree(start)
        tree.add(index, queries[index])
    yield tree.done()


def batches(queries: Sequence[Query], start: int, room: Room) -> Iterator[Layout]:
    """The queries as rows, without the `start` tokens that are kept elsewhere. They come in the
    order of their lengths, so that little is padded."""
    order = sorted(range(len(queries)), key=lambda i: (queries[i].longest(), i))
    layout = Layout()
    for index in order:
        query = queries[index]
        rows = len(layout.rows) + len(query.paths())
        wide = rows * (query.longest() - start) > room.tokens
        if layout.rows and (wide or room.full(layout)):
            yield layout
            layout = Layout()
        _add_rows(layout, index, query, start)
    yield layout


class _Tree:
    """Queries being laid out as a tree in one row."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.layout = Layout(parents=[], depths=[])
        self._tokens: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def size(self) -> int:
        return len(self._tokens)

    def growth(self, query: Query) -> int:
        """How many tokens `query` would add."""
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
        self.layout.queries.append(index)
        for number, answer in enumerate(query.answers):
            for i, token in enumerate(answer):
                place = self._walk(end, answer[:i])
                self.layout.reads.append((index, number, 0, place, token))

    def done(self) -> Layout:
        self.layout.rows = [self._tokens]
        return self.layout

    def _walk(self, node: int, tokens: Tokens) -> int:
        parents, depths = self.layout.parents, self.layout.depths
        assert parents is not None
        assert depths is not None
        for token in tokens:
            child = self._children.get((node, token))
            if child is None:
                child = self._children[node, token] = len(self._tokens)
                self._tokens.append(token)
                parents.append(node)
                depths.append(0 if node < 0 else depths[node] + 1)
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
