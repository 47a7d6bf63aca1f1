"""From one module to the group of neurons that begins in it, through everything that its channels
run through."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import suppress
from math import gcd

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from leanfair.pruning.structures.groups import Group, Place, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import OUT, Dye, Source, Stains
from leanfair.pruning.structures.tracing.layout import Run, halves, runs
from leanfair.pruning.structures.tracing.markers import FLOOD
from leanfair.pruning.surgery.modules import dense_weight
from leanfair.pruning.types import Side

TRIALS = 2
"""Random halves of the neurons that are dyed to see whether they lie in order."""

MOST_PIECES = 4
"""A module whose outputs are taken apart into more equal pieces than this is refused."""


class OutputError(RefusedError):
    """The channels are the network's outputs."""


class _DisorderError(RefusedError):
    """The channels do not lie in order where they are read; `least`: how many positions of a module
    are theirs at least."""

    def __init__(self, reader: str, least: int, stains: Stains) -> None:
        super().__init__(f"{reader} reads its channels in part, mixed or in another order", stains)
        self.least = least


def group_of(dye: Dye, name: str, block: str, streams: Set[str]) -> Group:
    """The neurons that begin in module `name`, also where its outputs are taken apart into equal
    pieces that meet again, as in gated units. Raises RefusedError where there are none.

    With `block`, they must not leave it.
    """
    wide = width(dye.modules[name])
    try:
        return _group(dye, Source(name, 0, wide), block, streams)
    except _DisorderError as reason:
        pieces, rest = divmod(wide, reason.least)
        if not rest and 1 < pieces <= MOST_PIECES:
            with suppress(RefusedError):
                return _pieces(dye, name, reason.least, block, streams)
        raise reason


def bundles_of(dye: Dye, source: Source, block: str, streams: Set[str], count: int) -> Group:
    """The group of `count` bundles of equally many neighbouring outputs of `source`, as the heads
    of an attention are. Raises RefusedError where they do not stay apart, in order, in `block`."""
    return _group(dye, source, block, streams, count)


def trail_of(
    dye: Dye, source: Source, rows: Tensor, block: str, streams: Set[str]
) -> tuple[str, Stains]:
    """The innermost part of `block` that `rows` of `source` stay in, and where they go in it.
    Raises RefusedError where they leave the block, or come to where channels cannot be removed."""
    leaves, stains = "", {}
    for scope in _scopes(source.module, block, dye):
        trail = dye.spread(scope, source, rows, streams)
        if trail.ends:
            raise RefusedError(trail.ends, trail.stains)
        if not trail.leaves:
            return scope, trail.stains
        leaves, stains = trail.leaves, trail.stains
    if block or leaves != OUT:
        raise RefusedError(leaves, stains)
    raise OutputError(leaves, stains)


def adds(dye: Dye, name: str) -> bool:
    """Whether huge values of module `name` stay huge until they are read, so that it is no gate."""
    source = Source(name, 0, width(dye.modules[name]))
    everything = torch.ones(source.stop, dtype=torch.bool)
    for scope in _scopes(name, "", dye):
        trail = dye.spread(scope, source, everything, frozenset(), FLOOD)
        if not trail.leaves:
            return bool(trail.ends) or any(side == "in" for _, side in trail.stains)
    return True


def width(module: nn.Module) -> int:
    """How many outputs a dense module has."""
    return module.out_channels if isinstance(module, _ConvNd) else dense_weight(module).shape[0]


def _pieces(dye: Dye, name: str, each: int, block: str, streams: Set[str]) -> Group:
    whole: Group | None = None
    for start in range(0, width(dye.modules[name]), each):
        piece = _group(dye, Source(name, start, start + each), block, streams)
        if whole is not None and not meet(whole, piece):
            raise RefusedError("its channels are taken apart")
        whole = piece if whole is None else joined(whole, piece)
    assert whole is not None
    return whole


def _group(
    dye: Dye, source: Source, block: str, streams: Set[str], bundles: int | None = None
) -> Group:
    everything = torch.ones(source.stop - source.start, dtype=torch.bool)
    scope, whole = trail_of(dye, source, everything, block, streams)
    return _laid_out(dye, scope, source, block, streams, whole, bundles)


def _scopes(name: str, block: str, dye: Dye) -> Iterator[str]:
    """The parts of the network around `name` that can be run again, up to `block`, innermost
    first."""
    while name != block:
        name = name.rpartition(".")[0]
        if name in dye.seen.calls and dye.once(name):
            yield name


def _laid_out(
    dye: Dye,
    scope: str,
    source: Source,
    block: str,
    streams: Set[str],
    whole: Stains,
    bundles: int | None,
) -> Group:
    """The group, from where all channels of `source` go and where random halves of them do."""
    if not any(side == "in" for _, side in whole):
        raise RefusedError("nothing that can be narrowed reads its channels", whole)
    wide = source.stop - source.start
    units = {place: _unit(dye.modules[place[0]], place[1]) for place in whole}
    many = {place: int(stain.sum()) // units[place] for place, stain in whole.items()}
    count, least = gcd(wide, *many.values()), min(many, key=lambda place: many[place])
    if bundles is not None and count % bundles == 0:
        count = bundles
    elif count == 1 < wide or bundles is not None:  # they all hang together
        raise _DisorderError(least[0], many[least], whole)
    parts = []
    for seed in range(TRIALS):
        some = halves(count, seed)
        rows = some.repeat_interleave(wide // count)
        parts.append((some, dye.spread(scope, source, rows, streams).stains))
    spans: dict[Place, tuple[Run, ...]] = {
        (source.module, "out"): (Run(source.start, wide // count),)
    }
    for place, stain in whole.items():
        seen = [(some, stains.get(place, torch.zeros_like(stain))) for some, stains in parts]
        found = runs(stain, seen, count, units[place])
        if found is None:
            raise _DisorderError(place[0], many[least], whole)
        spans[place] = found
    return Group(source.module, block or source.module, count, spans)


def _unit(module: nn.Module, side: Side) -> int:
    """How many outputs of a convolution with groups only go together."""
    if side == "both" and isinstance(module, _ConvNd):
        return module.out_channels // module.groups
    return 1
