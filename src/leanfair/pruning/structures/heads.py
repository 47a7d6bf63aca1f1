"""Which attention heads a block has: found by where channels meet, not by what modules are called.

A single channel of a query comes out of the softmax in all channels of its head, and nowhere else.
So modules whose channels arrive multiplied at the next dense module feed an attention, and by how
much tells the number of heads. With grouped queries a key comes out in all heads that share it:
such a group is what can go, so that every query keeps its key. Where all queries share one key they
go alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from leanfair.pruning.structures.channels import bundles_of, trail_of, width
from leanfair.pruning.structures.groups import Group, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import Dye, Source
from leanfair.pruning.surgery.modules import dense_weight, is_dense
from leanfair.pruning.types import Neurons


class _Feeder(NamedTuple):
    """A dense module that feeds an attention, and the dense module that reads that attention, with
    how many neighbouring inputs of it come from the first channel of each piece of the feeder."""

    name: str
    reader: str
    spreads: tuple[int, ...]


def find_heads(dye: Dye, block: str, streams: Set[str]) -> tuple[Neurons, ...]:
    """The heads of every attention in `block`, as they seem to be: not yet tried out."""
    seer = dye.through(_norms(dye, block))
    feeders = [
        feeder
        for name in dye.seen.order
        if name.startswith(f"{block}.") and is_dense(dye.modules[name]) and dye.once(name)
        if (feeder := _feeder(seer, name, block, streams)) is not None
    ]
    found = []
    for reader in dict.fromkeys(feeder.reader for feeder in feeders if max(feeder.spreads) > 1):
        group = _heads(seer, [f for f in feeders if f.reader == reader], block, streams)
        if group is not None:
            found.append(replace(group.neurons(), unit="head"))
    return tuple(found)


def _heads(dye: Dye, feeders: list[_Feeder], block: str, streams: Set[str]) -> Group | None:
    """The heads that are read by one module: as many as all its feeders fall into, else as some of
    them do, which the others then serve as a whole."""
    wide = dense_weight(dye.modules[feeders[0].reader]).shape[1]
    counts = {wide // s for feeder in feeders for s in feeder.spreads if s > 1 and wide % s == 0}
    for whole in (True, False):
        for count in sorted(counts - {0, 1}, reverse=True):
            parts = [_split(dye, feeder, count, whole, block, streams) for feeder in feeders]
            split = [group for each in parts for group in each]
            if split and (all(parts) or not whole):
                return _as_one(split, count)
    return None


def _as_one(groups: Sequence[Group], count: int) -> Group | None:
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
    dye: Dye, feeder: _Feeder, count: int, whole: bool, block: str, streams: Set[str]
) -> list[Group]:
    """A feeder's outputs as `count` heads each: as they are or, where queries, keys and values come
    out side by side, each on its own. Those that do not fall into heads are left out or, where it
    has to be the `whole`, none is taken."""
    for pieces in _layouts(dye, feeder):
        groups = []
        for piece in pieces:
            with suppress(RefusedError):
                group = bundles_of(dye, piece, block, streams, count)
                if len(group.spans[feeder.reader, "in"]) == 1:
                    groups.append(group)
        if groups and (len(groups) == len(pieces) or not whole):
            return groups
    return []


def _layouts(dye: Dye, feeder: _Feeder) -> Iterator[tuple[Source, ...]]:
    wide = width(dye.modules[feeder.name])
    read = dense_weight(dye.modules[feeder.reader]).shape[1]
    yield (Source(feeder.name, 0, wide),)
    rest = wide - read
    if rest > 0 and rest % 2 == 0:
        middle = read + rest // 2
        ends = pairwise((0, read, middle, wide))
        yield tuple(Source(feeder.name, start, stop) for start, stop in ends)


def _feeder(dye: Dye, name: str, block: str, streams: Set[str]) -> _Feeder | None:
    """What `name` feeds, if it ends in one dense module that reads more than it was given."""
    wide = width(dye.modules[name])
    try:
        everything = torch.ones(wide, dtype=torch.bool)
        _, reads = trail_of(dye, Source(name, 0, wide), everything, block, streams)
        if len(reads) != 1:
            return None
        ((reader, side),) = reads
        if side != "in" or not is_dense(dye.modules[reader]):
            return None
        spreads = []
        for start in _starts(dye, _Feeder(name, reader, ())):
            one = torch.arange(wide) == start
            _, stains = trail_of(dye, Source(name, 0, wide), one, block, streams)
            spreads.append(_stretch(stains[reader, "in"]) if stains else 0)
    except RefusedError:
        return None
    return _Feeder(name, reader, tuple(spreads))


def _stretch(stain: Tensor) -> int:
    """How long the one stretch of dyed positions is; 0 where there are several."""
    where = stain.nonzero().flatten()
    length = len(where)
    return length if length and int(where[-1] - where[0]) == length - 1 else 0


def _starts(dye: Dye, feeder: _Feeder) -> list[int]:
    """Where the pieces of a feeder begin, in whichever layout."""
    return sorted({piece.start for pieces in _layouts(dye, feeder) for piece in pieces})


def _norms(dye: Dye, block: str) -> set[str]:
    """The modules of `block` with nothing but vectors for weights: a norm may be of each head."""
    return {
        name
        for name, module in dye.modules.items()
        if name.startswith(f"{block}.")
        and dye.roles[name].kind == "closed"
        and all(parameter.ndim == 1 for parameter in module.parameters(recurse=False))
    }
