"""A table of measured times: each kind of block at a grid of widths, and the whole network once.

A clock is noisy, and a choice that it decides anew each time is made by chance. So blocks are timed
once, in turn, each many times; blocks that run alike (the same operations on the same positions)
share a time; and what narrower blocks take is smoothed so that it never rises as neurons go or,
where widths are chosen that the device likes, is told of those alone than which none wider is as
fast. Every decision is made by the table, which is a file: with the same table it is made the same
way again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch, forward
from leanfair.evaluation.layout import Layout, laid_out, lay_out
from leanfair.evaluation.mode import device_of, evaluating
from leanfair.evaluation.speed import busy_clock, ready, time_in_turn
from leanfair.pruning.cost.macs import Cost
from leanfair.pruning.cost.times import SECOND, Curve, Times, Width
from leanfair.pruning.measured_schema import BlockTimesEntry, LatencyTable, WidthTimesEntry
from leanfair.pruning.structures.tracing.recording import Call, record
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.types import Anatomy, Cut, NeuronCut, Neurons

EIGHTHS = 8
"""A group is timed at this many widths, evenly spaced, and at one neuron."""
FINELY = 32
"""The same where widths are chosen by their times: kernels take channels by fours to sixteens."""
LIKED = 0.98
"""A width is worth having that takes at most this share of the time of every wider one."""
BUDGET = 60.0
"""Seconds that measuring a table may take, once every width was timed a few times."""

Timer = Callable[[Mapping[str, Callable[[], object]], "torch.device | None"], Mapping[str, float]]
"""Tells the seconds that each of some calls takes, which compute on a device."""


def stopwatch(
    calls: Mapping[str, Callable[[], object]], device: torch.device | None, budget: float = BUDGET
) -> Mapping[str, float]:
    """The median seconds of each call, timed in turn, within about `budget` seconds."""
    clock = busy_clock(device)
    found = time_in_turn(calls, device, runs=200, warmup=5, budget=budget, clock=clock)
    return {name: each.median for name, each in found.items()}


def measure_table(
    model: nn.Module,
    structures: Anatomy,
    cost: Cost,
    sample: Batch,
    batch: int,
    fingerprint: str = "",
    timer: Timer = stopwatch,
    layout: Layout = "contiguous",
    fine: bool = False,
) -> LatencyTable:
    """The table of `model`, whose `structures` and `cost` are known, for `batch` samples, made of
    those of `sample`, in this `layout`; `fine`: at more widths."""
    inputs = Batch(ready(sample, model, batch))
    parts = FINELY if fine else EIGHTHS
    kinds = _kinds(structures, cost)
    whole = [group for group in structures.neurons if group.block not in chain(*kinds)]
    with ExitStack() as held, torch.no_grad():
        held.enter_context(evaluating(model))
        held.enter_context(laid_out(model, layout))
        firsts = [kind[0] for kind in kinds]
        calls = record(model, inputs, firsts).calls
        timed: dict[str, Callable[[], object]] = {"": partial(forward, model, inputs.inputs)}
        for group in whole:
            for count in _grid(group, EIGHTHS)[:-1]:
                narrow_model = lay_out(_narrowed(model, group, count), layout)
                timed[_point("", group, count)] = partial(forward, narrow_model, inputs.inputs)
        for first in firsts:
            timed[first] = _called(model.get_submodule(first), calls[first])
            for group in _inside(structures, first):
                for count in _grid(group, parts)[:-1]:
                    narrow_model = lay_out(_narrowed(model, group, count), layout)
                    block = narrow_model.get_submodule(first)
                    timed[_point(first, group, count)] = _called(block, calls[first])
        seconds = timer(timed, device_of(model))
    entries = [_entry([""], [[group] for group in whole], seconds, EIGHTHS)]
    for kind in kinds:
        alike = zip(*(_inside(structures, block) for block in kind), strict=True)
        entries.append(_entry(kind, [list(groups) for groups in alike], seconds, parts))
    return {"fingerprint": fingerprint, "batch": batch, "layout": layout, "blocks": entries}


def times_of(table: LatencyTable, structures: Anatomy, liked: bool = False) -> Times:
    """The times that `table` tells of the network that it was measured on; with `liked`, at no
    other widths than those that the device likes."""
    curve = _liked if liked else _curve
    whole, *kinds = table["blocks"]
    blocks = {name: _ns(kind["seconds"]) for kind in kinds for name in kind["blocks"]}
    # What is measured block by block may add up to a little more than the whole.
    rest = max(0, _ns(whole["seconds"]) - sum(blocks.values()))
    curves = {
        name: curve(entry)
        for kind in table["blocks"]
        for entry in kind["widths"]
        for name in entry["groups"]
    }
    widths = {
        group.name: Width(group.block if group.block in blocks else "", curves[group.name], count)
        for group in structures.neurons
        if group.name in curves and (count := group.count)
    }
    return Times(rest, blocks, widths)


def monotone(values: Sequence[float]) -> list[float]:
    """The never falling values nearest to `values` by least squares (pool adjacent violators:
    Barlow et al. 1972)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, n), (last, m) = pools[-2:]
            pools[-2:] = [((mean * n + last * m) / (n + m), n + m)]
    return [mean for mean, n in pools for _ in range(n)]


def frontier(seconds: Sequence[float]) -> list[int]:
    """Which of the measured times, ascending in width, are worth having: no wider block is as fast.
    The widest is, in any case."""
    found: list[int] = []
    for i in reversed(range(len(seconds))):
        if not found or seconds[i] <= LIKED * seconds[found[-1]]:
            found.append(i)
    return found[::-1]


def _liked(entry: WidthTimesEntry) -> Curve:
    kept = frontier(entry["seconds"])
    counts = tuple(entry["counts"][i] for i in kept)
    return Curve(counts, tuple(_ns(entry["seconds"][i]) for i in kept))


def _curve(entry: WidthTimesEntry) -> Curve:
    smooth = monotone(entry["seconds"])
    return Curve(tuple(entry["counts"]), tuple(_ns(each) for each in smooth))


def _ns(seconds: float) -> int:
    return round(seconds * SECOND)


def _entry(
    blocks: Sequence[str],
    groups: Sequence[Sequence[Neurons]],
    seconds: Mapping[str, float],
    parts: int,
) -> BlockTimesEntry:
    """What was measured of the first of `blocks`, which holds for all of them."""
    first = blocks[0]
    widths: list[WidthTimesEntry] = []
    for alike in groups:
        counts = _grid(alike[0], parts)
        measured = [seconds[_point(first, alike[0], count)] for count in counts[:-1]]
        widths.append(
            {
                "groups": [group.name for group in alike],
                "counts": counts,
                "seconds": [*measured, seconds[first]],
            }
        )
    return {"blocks": list(blocks), "seconds": seconds[first], "widths": widths}


def _point(block: str, group: Neurons, count: int) -> str:
    """The name of a measurement: `block` with `count` neurons of `group` left."""
    return f"{block} with {count} of {group.name}"


def _grid(group: Neurons, parts: int) -> list[int]:
    """The numbers of neurons at which a group is timed, ascending: `parts` of them, and one."""
    wanted = {1, *(max(1, group.count * i // parts) for i in range(1, parts + 1))}
    if group.counts:
        wanted = {n for n in (*group.counts, group.count) if n <= group.count}
    return sorted(wanted)


def _inside(structures: Anatomy, block: str) -> list[Neurons]:
    return [group for group in structures.neurons if group.block == block]


def _kinds(structures: Anatomy, cost: Cost) -> list[list[str]]:
    """The blocks, those together that run the same operations."""
    kinds: dict[Any, list[str]] = {}
    for name in chain.from_iterable(structures.stages):
        kinds.setdefault(_kind(name, structures, cost), []).append(name)
    return list(kinds.values())


def _kind(block: str, structures: Anatomy, cost: Cost) -> Any:
    """What tells blocks apart by how long they take: equal for blocks that run alike."""
    start = f"{block}."
    operations = tuple(
        (name.removeprefix(start), operation)
        for name, operation in cost.operations.items()
        if name.startswith(start)
    )
    products = tuple(
        (each.place.removeprefix(block), each.macs)
        for each in cost.products
        if f"{each.place}.".startswith(start)
    )
    inside = tuple(
        (group.name.removeprefix(start), group.count) for group in _inside(structures, block)
    )
    return operations, products, inside


def _narrowed(model: nn.Module, group: Neurons, count: int) -> nn.Module:
    """A copy of `model` with `count` neurons of `group` left, which shares all other tensors."""
    tensors = chain(model.parameters(), model.buffers())
    child = copy.deepcopy(model, {id(value): value for value in tensors})
    narrow(Cut("neurons", neurons=(NeuronCut(group, tuple(range(count, group.count))),)), child)
    return child


def _called(block: nn.Module, call: Call) -> Callable[[], object]:
    return partial(block, *call.args, **call.kwargs)
