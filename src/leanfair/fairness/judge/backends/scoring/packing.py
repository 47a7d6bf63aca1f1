"""Which tokens of a packed pass attend to which: segments between branchings, and the path that
leads to each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_LONGEST = 64
"""Tokens of one row of a group: of a longer segment the later ones would be masked for the first
ones, and computed all the same."""
_TOGETHER = 32
"""Tokens of several segments in one row: they are masked for each other, and computed all the same,
which costs more than to gather a path once more."""
_MOST_KEYS = 1 << 15
"""Keys that are gathered at once."""


@dataclass(frozen=True)
class Group:
    """Rows of `length` tokens, each attending to `width` tokens of the pass, through `mask` [rows,
    1, length, width], which is added. `queries` [rows * length] and `keys` [rows * width] are the
    columns of these tokens."""

    queries: Tensor
    keys: Tensor
    mask: Tensor
    rows: int
    length: int
    width: int


@dataclass(frozen=True)
class Packing:
    """How the tokens of a packed pass attend to each other, behind `start` common ones that all of
    them see. `places`: where in the groups, laid end to end, each token stands. `positions`: of the
    tokens in their prompts."""

    start: int
    groups: tuple[Group, ...]
    places: Tensor
    positions: Tensor


@dataclass(frozen=True)
class _Row:
    """Segments that go on from the same token: they see its path, and themselves."""

    path: list[int]
    segments: list[list[int]]

    def tokens(self) -> list[int]:
        return [token for segment in self.segments for token in segment]


def pack(parents: Sequence[int], start: int, dtype: torch.dtype) -> Packing:
    """The packing of one row of tokens. `parents`: the column that each follows, or -1."""
    depths: list[int] = []
    for parent in parents:
        depths.append(depths[parent] + 1 if parent >= 0 else 0)
    groups, places, taken = [], [0] * len(parents), 0
    for rows in _alike(_rows(parents)):
        group = _group(rows, dtype)
        for number, row in enumerate(rows):
            for place, token in enumerate(row.tokens()):
                places[token] = taken + number * group.length + place
        taken += group.rows * group.length
        groups.append(group)
    positions = torch.tensor([depths]) + start
    return Packing(start, tuple(groups), torch.tensor(places), positions)


def _segments(parents: Sequence[int]) -> list[list[int]]:
    """Chains of tokens that no other token branches off from, but at their ends."""
    children = [0] * len(parents)
    for parent in parents:
        if parent >= 0:
            children[parent] += 1
    segments: list[list[int]] = []
    for token, parent in enumerate(parents):
        goes_on = token > 0 and parent == token - 1 and children[parent] == 1
        if goes_on and len(segments[-1]) < _LONGEST:
            segments[-1].append(token)
        else:
            segments.append([token])
    return segments


def _rows(parents: Sequence[int]) -> list[_Row]:
    """The segments, short ones that branch off from the same token together."""
    siblings: dict[int, list[list[list[int]]]] = defaultdict(list)
    for segment in _segments(parents):
        rows = siblings[parents[segment[0]]]
        if rows and sum(map(len, rows[-1])) + len(segment) <= _TOGETHER:
            rows[-1].append(segment)
        else:
            rows.append([segment])
    return [
        _Row(path, row) for token, rows in siblings.items() for path in [_path(token, parents)]
        for row in rows
    ]  # fmt: skip


def _path(token: int, parents: Sequence[int]) -> list[int]:
    """The tokens from the first one to `token`."""
    path = []
    while token >= 0:
        path.append(token)
        token = parents[token]
    return path[::-1]


def _alike(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Rows of about the same length and path, no more than may be gathered at once."""
    sizes: dict[tuple[int, int], list[_Row]] = defaultdict(list)
    for row in rows:
        sizes[len(row.tokens()).bit_length(), len(row.path).bit_length()].append(row)
    for (length, path), some in sizes.items():
        most = max(1, _MOST_KEYS // ((1 << length) + (1 << path)))
        for first in range(0, len(some), most):
            yield some[first : first + most]


def _group(rows: Sequence[_Row], dtype: torch.dtype) -> Group:
    """The rows, padded. What pads a row sees one token, so that nothing is divided by zero."""
    length = max(len(row.tokens()) for row in rows)
    before = max(len(row.path) for row in rows)
    queries = np.zeros((len(rows), length), dtype=np.int64)
    keys = np.zeros((len(rows), before + length), dtype=np.int64)
    seen = np.zeros((len(rows), length, before + length), dtype=bool)
    for number, row in enumerate(rows):
        tokens, path = row.tokens(), row.path
        queries[number, : len(tokens)] = tokens
        keys[number, : len(path)] = path
        keys[number, before : before + len(tokens)] = tokens
        seen[number, : len(tokens), : len(path)] = True
        first = 0
        for segment in row.segments:
            end = first + len(segment)
            itself = slice(before + first, before + end)
            seen[number, first:end, itself] = np.tri(len(segment), dtype=bool)
            first = end
        seen[number, len(tokens) :, before] = True
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~torch.from_numpy(seen), -torch.inf)
    asked, kept = (torch.from_numpy(columns.reshape(-1)) for columns in (queries, keys))
    return Group(asked, kept, mask[:, None], len(rows), length, before + length)
