"""The attention heads of a block, found by dependency tracing and not by module names.

Through the softmax, a single query channel affects all output channels of its head and no others. A
dense module one channel of which affects several neighbouring inputs of the next dense module is
therefore a projection of an attention, and the number of affected inputs is the width of a head.
With grouped-query attention a key channel affects every head that shares it; such a group is
removed as a whole, so that each query keeps its key. With multi-query attention (one key for all),
query heads are removed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from leanfair.pruning.structures.channels import bundles_of, trace_within
from leanfair.pruning.structures.groups import Group, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import ChannelRange, Tracer
from leanfair.pruning.structures.tracing.known import width
from leanfair.pruning.surgery.modules import dense_weight, is_dense
from leanfair.pruning.types import Neurons


class _Projection(NamedTuple):
    """A dense module `name` before an attention, and the dense module `reader` after it.
    `head_widths`: how many neighbouring inputs of the reader depend on the first channel of each
    part (query, key, value) of the projection's output; 0 if they are not neighbouring."""

    name: str
    reader: str
    head_widths: tuple[int, ...]


def find_heads(tracer: Tracer, block: str, residual: Set[str]) -> tuple[Neurons, ...]:
    """The heads of every attention in `block`, not yet verified by a removal."""
    through_norms = tracer.through(_norms(tracer, block))
    projections = [
        projection
        for name in tracer.recording.order
        if name.startswith(f"{block}.")
        and is_dense(tracer.modules[name])
        and tracer.runs_once(name)
        if (projection := _projection(through_norms, name, block, residual)) is not None
    ]
    heads = []
    for reader in dict.fromkeys(
        projection.reader for projection in projections if max(projection.head_widths) > 1
    ):
        group = _heads(
            through_norms, [f for f in projections if f.reader == reader], block, residual
        )
        if group is not None:
            heads.append(replace(group.neurons(), unit="head"))
    return tuple(heads)


def _heads(
    tracer: Tracer, projections: list[_Projection], block: str, residual: Set[str]
) -> Group | None:
    """The heads whose outputs one module reads: the largest number into which all its projections
    divide or, if there is none, some of them (the others then serve all heads)."""
    wide = dense_weight(tracer.modules[projections[0].reader]).shape[1]
    counts = {
        wide // s
        for projection in projections
        for s in projection.head_widths
        if s > 1 and wide % s == 0
    }
    for whole in (True, False):
        for count in sorted(counts - {0, 1}, reverse=True):
            parts = [
                _split(tracer, projection, count, whole, block, residual)
                for projection in projections
            ]
            split = [group for groups in parts for group in groups]
            if split and (all(parts) or not whole):
                return _merged(split, count)
    return None


def _merged(groups: Sequence[Group], count: int) -> Group | None:
    whole = groups[0]
    try:
        for group in groups[1:]:
            if not meet(whole, group):
                return None
            whole = joined(whole, group)
    except RefusedError:
        return None
    return whole if whole.count == count else None


def _split(
    tracer: Tracer, projection: _Projection, count: int, whole: bool, block: str, residual: Set[str]
) -> list[Group]:
    """The outputs of a projection as `count` heads: as one part or, if queries, keys and values are
    computed by one module, as three. Parts that do not divide into heads are left out; with
    `whole`, the result is then empty."""
    for pieces in _layouts(tracer, projection):
        groups = []
        for piece in pieces:
            with suppress(RefusedError):
                group = bundles_of(tracer, piece, block, residual, count)
                if len(group.spans[projection.reader, "in"]) == 1:
                    groups.append(group)
        if groups and (len(groups) == len(pieces) or not whole):
            return groups
    return []


def _layouts(tracer: Tracer, projection: _Projection) -> Iterator[tuple[ChannelRange, ...]]:
    wide = width(tracer.modules[projection.name])
    read = dense_weight(tracer.modules[projection.reader]).shape[1]
    yield (ChannelRange(projection.name, 0, wide),)
    rest = wide - read
    if rest > 0 and rest % 2 == 0:
        middle = read + rest // 2
        ends = pairwise((0, read, middle, wide))
        yield tuple(ChannelRange(projection.name, start, stop) for start, stop in ends)


def _projection(tracer: Tracer, name: str, block: str, residual: Set[str]) -> _Projection | None:
    """`name` as a projection, if a single dense module reads what depends on it."""
    wide = width(tracer.modules[name])
    try:
        everything = torch.ones(wide, dtype=torch.bool)
        _, reads = trace_within(tracer, ChannelRange(name, 0, wide), everything, block, residual)
        if len(reads) != 1:
            return None
        ((reader, side),) = reads
        if side != "in" or not is_dense(tracer.modules[reader]):
            return None
        head_widths = []
        for start in _starts(tracer, _Projection(name, reader, ())):
            first_channel = torch.arange(wide) == start
            _, marked = trace_within(
                tracer, ChannelRange(name, 0, wide), first_channel, block, residual
            )
            head_widths.append(_run_length(marked[reader, "in"]) if marked else 0)
    except RefusedError:
        return None
    return _Projection(name, reader, tuple(head_widths))


def _run_length(positions: Tensor) -> int:
    """The number of marked positions if they are contiguous, else 0."""
    where = positions.nonzero().flatten()
    length = len(where)
    return length if length and int(where[-1] - where[0]) == length - 1 else 0


def _starts(tracer: Tracer, projection: _Projection) -> list[int]:
    """The first output channels of the parts of a projection, in every possible layout."""
    return sorted({piece.start for pieces in _layouts(tracer, projection) for piece in pieces})


def _norms(tracer: Tracer, block: str) -> set[str]:
    """The modules of `block` all of whose weights are vectors: normalisations, which may be applied
    to each head."""
    return {
        name
        for name, module in tracer.modules.items()
        if name.startswith(f"{block}.")
        and tracer.roles[name].kind == "closed"
        and all(parameter.ndim == 1 for parameter in module.parameters(recurse=False))
    }
