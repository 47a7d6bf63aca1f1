"""The group of neurons that begins in one module: its output channels together with every position
that depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from math import gcd

import torch
from torch import Tensor

from leanfair.pruning.structures.groups import Group, Place, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import OUT, ChannelRange, Marked, Trace, Tracer
from leanfair.pruning.structures.tracing.known import TRIALS, Known, removable, unit, width
from leanfair.pruning.structures.tracing.layout import Run, halves, runs
from leanfair.pruning.structures.tracing.markers import HUGE
from leanfair.pruning.structures.tracing.together import Part

MOST_PIECES = 4
"""A module whose output is split into more equal parts than this is refused."""


class OutputError(RefusedError):
    """The channels are the network's outputs."""


class _DisorderError(RefusedError):
    """The channels are not in order where they are read. `least`: the smallest number of positions
    that depend on them in any module."""

    def __init__(self, reader: str, least: int, marked: Marked) -> None:
        super().__init__(f"{reader} reads its channels in part, mixed or in another order", marked)
        self.least = least


def group_of(
    tracer: Tracer, name: str, block: str, residual: Set[str], known: Known | None = None
) -> Group:
    """The neurons whose channels begin in module `name`, also if its output is split into equal
    parts that are combined again, as in gated units. `residual`: names of the residual blocks.
    `known`: what is known already.

    With `block`, the channels must stay inside it. Raises RefusedError if there are none.
    """
    wide = width(tracer.modules[name])
    try:
        source = ChannelRange(name, 0, wide)
        if known is not None and (told := known.of(name)) is not None:
            return _told(tracer, source, block, *told)
        return _group(tracer, source, block, residual)
    except _DisorderError as reason:
        pieces, rest = divmod(wide, reason.least)
        if not rest and 1 < pieces <= MOST_PIECES:
            with suppress(RefusedError):
                return _pieces(tracer, name, reason.least, block, residual)
        raise reason


def bundles_of(
    tracer: Tracer, source: ChannelRange, block: str, residual: Set[str], count: int
) -> Group:
    """The group of `count` equal bundles of neighbouring outputs of `source`, such as attention
    heads. Raises RefusedError if they do not stay separate and in order inside `block`."""
    return _group(tracer, source, block, residual, count)


def trace_within(
    tracer: Tracer, source: ChannelRange, rows: Tensor, block: str, residual: Set[str]
) -> tuple[str, Marked]:
    """The innermost module in `block` that the channels `rows` of `source` do not leave, and the
    positions in it that depend on them. Raises RefusedError if they leave the block, or reach a
    place from which channels cannot be removed."""
    leaves, marked = "", {}
    for scope in _scopes(source.module, block, tracer):
        trace = tracer.trace(scope, source, rows, residual)
        if trace.refusal:
            raise RefusedError(trace.refusal, trace.marked)
        if not trace.escape:
            return scope, trace.marked
        leaves, marked = trace.escape, trace.marked
    if block or leaves != OUT:
        raise RefusedError(leaves, marked)
    raise OutputError(leaves, marked)


def adds(tracer: Tracer, name: str) -> bool:
    """Whether huge outputs of module `name` reach their readers as huge values: it is then added to
    other channels, and not a gate with a bounded activation."""
    source = ChannelRange(name, 0, width(tracer.modules[name]))
    everything = torch.ones(source.stop, dtype=torch.bool)
    for scope in _scopes(name, "", tracer):
        trace = tracer.trace(scope, source, everything, frozenset(), HUGE)
        if not trace.escape:
            return bool(trace.refusal) or any(side == "in" for _, side in trace.marked)
    return True


def _pieces(tracer: Tracer, name: str, length: int, block: str, residual: Set[str]) -> Group:
    whole: Group | None = None
    for start in range(0, width(tracer.modules[name]), length):
        piece = _group(tracer, ChannelRange(name, start, start + length), block, residual)
        if whole is not None and not meet(whole, piece):
            raise RefusedError("its channels are taken apart")
        whole = piece if whole is None else joined(whole, piece)
    assert whole is not None
    return whole


def _group(
    tracer: Tracer, source: ChannelRange, block: str, residual: Set[str], bundles: int | None = None
) -> Group:
    everything = torch.ones(source.stop - source.start, dtype=torch.bool)
    scope, whole = trace_within(tracer, source, everything, block, residual)

    def parts(count: int) -> list[Part]:
        chosen = [halves(count, seed) for seed in range(TRIALS)]
        wide = len(everything) // count
        return [
            (some, tracer.trace(scope, source, some.repeat_interleave(wide), residual).marked)
            for some in chosen
        ]

    return _arranged(tracer, source, block, whole, parts, bundles)


def _told(
    tracer: Tracer, source: ChannelRange, block: str, trace: Trace, parts: list[Part]
) -> Group:
    """The group of a module of which all is known: the `trace` of its channels, and `parts`, random
    halves of them."""
    if trace.escape:
        raise (RefusedError if block else OutputError)(trace.escape, trace.marked)
    return _arranged(tracer, source, block, trace.marked, lambda count: parts)


def _scopes(name: str, block: str, tracer: Tracer) -> Iterator[str]:
    """The modules around `name`, up to `block`, that can be run again alone; innermost first."""
    while name != block:
        name = name.rpartition(".")[0]
        if name in tracer.recording.calls and tracer.runs_once(name):
            yield name


def _arranged(
    tracer: Tracer,
    source: ChannelRange,
    block: str,
    whole: Marked,
    parts: Callable[[int], list[Part]],
    bundles: int | None = None,
) -> Group:
    """The group, from the positions that depend on all channels of `source` (`whole`) and on random
    halves of them (`parts`, for a number of neurons). `bundles`: how many neurons the channels
    form, if that is known."""
    if not any(side == "in" for _, side in whole):
        raise RefusedError("nothing that can be narrowed reads its channels", whole)
    wide = source.stop - source.start
    many = removable(tracer, whole)
    count, least = gcd(wide, *many.values()), min(many, key=lambda place: many[place])
    if bundles is not None and count % bundles == 0:
        count = bundles
    elif count == 1 < wide or bundles is not None:  # no two channels are independent
        raise _DisorderError(least[0], many[least], whole)
    seen = parts(count)
    spans: dict[Place, tuple[Run, ...]] = {
        (source.module, "out"): (Run(source.start, wide // count),)
    }
    for place, positions in whole.items():
        here = [(some, marked.get(place, torch.zeros_like(positions))) for some, marked in seen]
        where = runs(positions, here, count, unit(tracer.modules[place[0]], place[1]))
        if where is None:
            raise _DisorderError(place[0], many[least], whole)
        spans[place] = where
    return Group(source.module, block or source.module, count, spans)
