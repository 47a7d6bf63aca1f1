"""The structures of a network that is too large to be tried out: those of a small twin of it, told
for all of its blocks.

The twin is tried out as any network. Each removal is proven on the network itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.dissect import TEXTS, TOKENS, trace
from leanfair.pruning.surgery.activations import Head
from leanfair.pruning.surgery.twin import Likeness, twin_for, words_like
from leanfair.pruning.types import Anatomy, Layer, Neurons


def trace_repeated(network: nn.Module, sample: Batch, free: bool = False) -> tuple[Anatomy, Head]:
    """What `dissect.trace` finds of `network`, a streamed language model, by way of a small twin.
    Raises UnsupportedModelError where no twin stands for it."""
    twin, likeness = twin_for(network)
    anatomy, head = trace(twin, words_like(sample, TEXTS, TOKENS), free)
    return told_for_all(anatomy, likeness), head


def told_for_all(anatomy: Anatomy, likeness: Likeness) -> Anatomy:
    """`anatomy`, of a twin, told for every block of the network that it stands for."""
    order, told = likeness.order, likeness.told

    def in_order(items: list[tuple[str, Any]]) -> tuple[Any, ...]:
        """The items of blocks in the order of these."""
        return tuple(item for _, item in sorted(items, key=lambda each: order.index(each[0])))

    layers = [
        (block, _renamed_layer(layer, _to(layer.name, block)))
        for layer in anatomy.layers
        for _, block in told(layer.name)
    ]
    groups = [
        (block, _renamed_group(group, _to(group.block, block)))
        for group in anatomy.neurons
        if group.block in likeness.template.values()
        for _, block in told(group.block)
    ]
    ties = []
    for tie in anatomy.ties:
        found = [(block, name) for each in tie for name, block in told(each)]
        ties.append(in_order(found) if all(block for block, _ in found) else tie)
    units: list[str] = []
    for unit in anatomy.units:
        if unit.rpartition(".")[0] == likeness.container:
            units += [] if order[0] in units else order
        else:
            units.append(unit)
    return replace(
        anatomy,
        layers=in_order(layers),
        neurons=in_order(groups),
        stages=tuple(
            tuple(name for name in order if likeness.template[name] in stage)
            for stage in anatomy.stages
        ),
        units=tuple(units),
        refused=_refused(anatomy, likeness),
        ties=tuple(ties),
    )


def _refused(anatomy: Anatomy, likeness: Likeness) -> dict[str, str]:
    """Why what looked like a structure is none, in the order of the blocks."""
    order = ["", *likeness.order]
    found = [
        (order.index(block), name, why.replace(f"{likeness.template.get(block)}.", f"{block}."))
        for each, why in anatomy.refused.items()
        for name, block in likeness.told(each)
    ]
    return {name: why for _, name, why in sorted(found, key=lambda item: item[0])}


def _to(twin: str, block: str) -> Callable[[str], str]:
    """What a name in the block `twin` is called in the block `block`."""
    return lambda name: block + name[len(twin) :] if f"{name}.".startswith(f"{twin}.") else name


def _renamed_layer(layer: Layer, now: Callable[[str], str]) -> Layer:
    return replace(layer, name=now(layer.name), exits=tuple(map(now, layer.exits)))


def _renamed_group(group: Neurons, now: Callable[[str], str]) -> Neurons:
    return replace(
        group,
        name=now(group.name),
        block=now(group.block),
        members=tuple(replace(each, module=now(each.module)) for each in group.members),
        sizes=tuple((now(module), attribute) for module, attribute in group.sizes),
    )
