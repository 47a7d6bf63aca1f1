"""Structures that a configuration can tell: what may go so that transformers loads the result.

A configuration has one entry for all layers, so their heads, and their units, go together, as many
of each. What it has no entry for stays, and is refused by name.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.structures.configuration.entries import Stock, Widths
from leanfair.pruning.structures.update import heads
from leanfair.pruning.surgery.config import entry
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import is_stock
from leanfair.pruning.surgery.removal import as_stock
from leanfair.pruning.surgery.verification import difference
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Neurons

FREE = "prune with free=True (--free) to remove some all the same"
NOT_STOCK = f"the model is not what its configuration says, so all must stay as it is: {FREE}"
NO_ENTRY = f"its configuration has no entry for fewer of them: {FREE}"
NO_DEPTH = f"its configuration has no entry for fewer layers: {FREE}"
NO_CACHE = "its configuration, which its cache is made by, has no entry for fewer layers"
COUNTS = "it is the attention by which the cache knows how long a text is"
UNLIKE = f"transformers does not build the same network without it: {FREE}"


def uniform(anatomy: Anatomy, stock: Stock | None, sample: Batch) -> Anatomy:
    """Of `anatomy` what the configuration of a model can tell, each structure with its entries;
    tried out on `sample`. `stock` is the model beside what transformers builds in its place."""
    if stock is None or not stock.same:
        every = {each.name for each in anatomy.layers} | {each.name for each in anatomy.neurons}
        refused = {**anatomy.refused, **dict.fromkeys(every, NOT_STOCK)}
        return replace(anatomy, layers=(), neurons=(), refused=refused)
    ties, missing = _ties(anatomy.neurons, stock)
    layers = [layer for layer in anatomy.layers if layer.fields or layer.lists]
    deep = {layer.name: NO_DEPTH for layer in anatomy.layers if layer not in layers}
    refused = {**anatomy.refused, **missing, **deep}

    def holds(cut: Cut) -> bool:
        return _holds(cut, stock, sample, anatomy.head)

    ties = [tie for tie in ties if _narrows(tie, holds, refused)]
    return replace(
        anatomy,
        layers=_going(layers, holds, refused),
        neurons=_in_order(ties, anatomy),
        ties=tuple(tuple(group.name for group in tie) for tie in ties),
        refused=refused,
    )


def writing(anatomy: Anatomy, model: nn.Module) -> Anatomy:
    """`anatomy` of a model that writes, without the layers that its cache cannot miss: those that
    its configuration cannot tell, as there is one kind of cache or another for each layer, and the
    first attention where other layers have none, as that knows how long the text is."""
    refused = {}
    for layer in anatomy.layers:
        if not (layer.fields or layer.lists):
            refused[layer.name] = NO_CACHE
        elif layer.name == _first_attention(layer, model):
            refused[layer.name] = COUNTS
    layers = tuple(layer for layer in anatomy.layers if layer.name not in refused)
    return replace(anatomy, layers=layers, refused={**anatomy.refused, **refused})


def _first_attention(layer: Layer, model: nn.Module) -> str:
    """The name of the first of the layers beside `layer` that is an attention, where some are
    not; "" where all are, or none."""
    config: Any = model.config
    for path in layer.lists:
        kinds = [str(kind) for kind in entry(config.to_dict(), path)]
        attends = [_attends(kind) for kind in kinds]
        if any(attends) and not all(attends):
            names = [name for name, _ in model.get_submodule(layer.container).named_children()]
            return f"{layer.container}.{names[attends.index(True)]}"
    return ""


def _attends(kind: str) -> bool:
    return ("attention" in kind and "linear" not in kind) or kind == "hybrid"


def _in_order(ties: list[tuple[Neurons, ...]], anatomy: Anatomy) -> tuple[Neurons, ...]:
    """The groups of all ties in the order that they had."""
    kept = {group.name: group for tie in ties for group in tie}
    return tuple(kept[group.name] for group in anatomy.neurons if group.name in kept)


def _ties(
    groups: tuple[Neurons, ...], stock: Stock
) -> tuple[list[tuple[Neurons, ...]], dict[str, str]]:
    """The groups that one set of entries narrows together, and why others are not narrowed."""
    alike: dict[tuple[object, ...], list[Neurons]] = {}
    for group in groups:
        alike.setdefault(_kind(group), []).append(group)
    found: list[tuple[Neurons, ...]] = []
    missing: dict[str, str] = {}
    left: dict[tuple[object, ...], list[Neurons]] = {}
    for tie in alike.values():
        if (widths := stock.widths(tie)) is not None:
            found.append(_told(tie, widths))
        else:
            left.setdefault((tie[0].unit, tie[0].count), []).extend(tie)
    for tie in left.values():  # one entry may be for several parts of the network
        if (widths := stock.widths(tie)) is not None:
            found.append(_told(tie, widths))
        else:
            missing |= {group.name: NO_ENTRY for group in tie}
    return found, missing


def _kind(group: Neurons) -> tuple[object, ...]:
    """What groups of one kind have in common: the same members in blocks of one container."""
    inside = len(group.block)
    members = tuple(replace(m, module=m.module[inside:]) for m in group.members)
    return group.unit, group.count, group.block.rpartition(".")[0], members


def _told(tie: list[Neurons], widths: Widths) -> tuple[Neurons, ...]:
    return tuple(replace(group, **widths._asdict()) for group in tie)


def _narrows(
    tie: tuple[Neurons, ...], holds: Callable[[Cut], bool], refused: dict[str, str]
) -> bool:
    """Whether some neurons of each group can go, all over it; else they are refused."""
    stay = tie[0].counts[len(tie[0].counts) // 2] if tie[0].counts else tie[0].count // 2
    drop = tuple(sorted(range(tie[0].count), key=lambda i: (i % 2, i))[: tie[0].count - stay])
    cuts = tuple(NeuronCut(group, tuple(sorted(drop))) for group in tie)
    if holds(Cut("neurons", neurons=cuts)):
        return True
    refused |= {group.name: UNLIKE for group in tie}
    return False


def _going(
    layers: list[Layer], holds: Callable[[Cut], bool], refused: dict[str, str]
) -> tuple[Layer, ...]:
    """The layers without which transformers builds the same network. Where the first can go, for
    all its successors have another number then, and the last, the others are not tried one by one.
    """
    going: list[Layer] = []
    for container in dict.fromkeys(layer.container for layer in layers):
        here = [layer for layer in layers if layer.container == container]
        # A network keeps its first block in any case, so the second is the first to go.
        ends = dict.fromkeys((*here[:2], here[-1]))
        if all(holds(Cut("layer", layers=(layer,))) for layer in ends):
            going += here
            continue
        fit = [layer for layer in here if holds(Cut("layer", layers=(layer,)))]
        refused |= {layer.name: UNLIKE for layer in here if layer not in fit}
        going += fit
    return tuple(going)


def _holds(cut: Cut, stock: Stock, sample: Batch, head: str) -> bool:
    """Whether transformers builds the network without `cut`, and that gives the same outputs."""
    model = stock.model
    # Its tensors are shared: what is narrowed gets others.
    shared = {id(value): value for value in chain(model.parameters(), model.buffers())}
    child = copy.deepcopy(model, shared)
    try:
        narrow(cut, child)
    except SurgeryError:
        return False
    built = as_stock(cut, model, child)
    if built is None or not is_stock(built):
        return False
    return difference(cut, model, built, sample, heads(cut, head, model)) <= 1.0
