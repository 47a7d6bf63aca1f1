"""Structures whose removal a configuration can express, so that transformers loads the result.

A configuration has one entry for all layers, so the heads of all layers, and likewise their hidden
units, are removed in equal numbers. A structure without an entry is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

from torch import nn

from leanfair.data.batches import Batch
from leanfair.data.language import token_ids
from leanfair.errors import SurgeryError
from leanfair.pruning.structures.configuration.entries import ConfiguredModel, Widths
from leanfair.pruning.structures.update import heads
from leanfair.pruning.surgery.config import entry
from leanfair.pruning.surgery.copies import frame_of
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import matches_configuration
from leanfair.pruning.surgery.removal import from_configuration
from leanfair.pruning.surgery.verification import difference
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Neurons, Structure

FREE = "prune with free=True (--free) to remove some all the same"
NOT_STOCK = f"the model is not what its configuration says, so all must stay as it is: {FREE}"
NO_ENTRY = f"its configuration has no entry for fewer of them: {FREE}"
NO_DEPTH = f"its configuration has no entry for fewer layers: {FREE}"
NO_CACHE = "its configuration, which its cache is made by, has no entry for fewer layers"
COUNTS = "it is the attention by which the cache knows how long a text is"
UNLIKE = f"transformers does not build the same network without it: {FREE}"


def uniform(anatomy: Anatomy, configured: ConfiguredModel | None, sample: Batch) -> Anatomy:
    """The structures of `anatomy` whose removal the configuration can express, each with its
    entries, verified on `sample` (inputs [n, ...]). `configured`: the model beside what
    transformers builds from its configuration."""
    if configured is None or not configured.same:
        every: tuple[Structure, ...] = (*anatomy.layers, *anatomy.neurons)
        names = [structure.name for structure in every]
        refused = {**anatomy.refused, **dict.fromkeys(names, NOT_STOCK)}
        return replace(anatomy, layers=(), neurons=(), refused=refused)
    ties, missing = _ties(anatomy.neurons, configured)
    layers = [layer for layer in anatomy.layers if layer.fields or layer.lists]
    deep = {layer.name: NO_DEPTH for layer in anatomy.layers if layer not in layers}
    refused = {**anatomy.refused, **missing, **deep}

    # Whether two networks with the same weights are one shows on a single image as on several. Of
    # texts, one may be too short to show it.
    few = sample[:1] if token_ids(sample) is None else sample

    def holds(cut: Cut) -> bool:
        return _rebuilds_equal(cut, configured, few, anatomy.head)

    ties = _narrowed(ties, holds, refused)
    return replace(
        anatomy,
        layers=_removable_layers(layers, holds, refused),
        neurons=_in_order(ties, anatomy),
        ties=tuple(tuple(group.name for group in tie) for tie in ties),
        refused=refused,
    )


def writing(anatomy: Anatomy, model: nn.Module) -> Anatomy:
    """`anatomy` of a model that generates text, without the layers on which its key-value cache
    depends: those not expressed by the configuration, since the cache is built from it layer by
    layer, and in a model in which not every layer is an attention the first attention, from which
    the cache takes the length of the text."""
    refused = {}
    for layer in anatomy.layers:
        if not (layer.fields or layer.lists):
            refused[layer.name] = NO_CACHE
        elif layer.name == _first_attention(layer, model):
            refused[layer.name] = COUNTS
    layers = tuple(layer for layer in anatomy.layers if layer.name not in refused)
    return replace(anatomy, layers=layers, refused={**anatomy.refused, **refused})


def _first_attention(layer: Layer, model: nn.Module) -> str:
    """The name of the first attention among the layers of the container of `layer`; "" if all of
    them are attentions, or none is."""
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
    """The groups of all ties in the order of `anatomy`."""
    kept = {group.name: group for tie in ties for group in tie}
    return tuple(kept[group.name] for group in anatomy.neurons if group.name in kept)


def _ties(
    groups: tuple[Neurons, ...], configured: ConfiguredModel
) -> tuple[list[tuple[Neurons, ...]], dict[str, str]]:
    """Ties, groups that one set of entries narrows together, and the reasons why others cannot be
    narrowed."""
    alike: dict[tuple[object, ...], list[Neurons]] = {}
    for group in groups:
        alike.setdefault(_kind(group), []).append(group)
    ties: list[tuple[Neurons, ...]] = []
    missing: dict[str, str] = {}
    left: dict[tuple[object, ...], list[Neurons]] = {}
    for tie in alike.values():
        if (widths := configured.widths(tie)) is not None:
            ties.append(_with_widths(tie, widths))
        else:
            left.setdefault((tie[0].unit, tie[0].count), []).extend(tie)
    for tie in left.values():  # one entry may determine several parts of the network
        if (widths := configured.widths(tie)) is not None:
            ties.append(_with_widths(tie, widths))
        else:
            missing |= {group.name: NO_ENTRY for group in tie}
    return ties, missing


def _kind(group: Neurons) -> tuple[object, ...]:
    """What groups of one kind have in common: equal members, in blocks of one container."""
    inside = len(group.block)
    members = tuple(replace(m, module=m.module[inside:]) for m in group.members)
    return group.unit, group.count, group.block.rpartition(".")[0], members


def _with_widths(tie: list[Neurons], widths: Widths) -> tuple[Neurons, ...]:
    return tuple(replace(group, **widths._asdict()) for group in tie)


def _narrowed(
    ties: list[tuple[Neurons, ...]], holds: Callable[[Cut], bool], refused: dict[str, str]
) -> list[tuple[Neurons, ...]]:
    """Those of `ties` from which neurons can be removed, spread over each group: of all of them at
    once or, where that fails, of each. The groups of the others are refused."""
    cuts = [_spread(tie) for tie in ties]
    if len(ties) > 1 and holds(Cut("neurons", neurons=tuple(chain.from_iterable(cuts)))):
        return ties
    left = []
    for tie, cut in zip(ties, cuts, strict=True):
        if holds(Cut("neurons", neurons=cut)):
            left.append(tie)
        else:
            refused |= {group.name: UNLIKE for group in tie}
    return left


def _spread(tie: tuple[Neurons, ...]) -> tuple[NeuronCut, ...]:
    """Some neurons of each group of `tie`, as many of each."""
    stay = tie[0].counts[len(tie[0].counts) // 2] if tie[0].counts else tie[0].count // 2
    drop = tuple(sorted(range(tie[0].count), key=lambda i: (i % 2, i))[: tie[0].count - stay])
    return tuple(NeuronCut(group, tuple(sorted(drop))) for group in tie)


def _removable_layers(
    layers: list[Layer], holds: Callable[[Cut], bool], refused: dict[str, str]
) -> tuple[Layer, ...]:
    """The layers whose removal transformers rebuilds exactly. If the first of them can be removed,
    which renumbers all its successors, and the last, the others are not tried one by one."""
    removable: list[Layer] = []
    for container in dict.fromkeys(layer.container for layer in layers):
        here = [layer for layer in layers if layer.container == container]
        # A network keeps its first block, so the second is the first that may be removed.
        ends = dict.fromkeys((*here[:2], here[-1]))
        if all(holds(Cut("layer", layers=(layer,))) for layer in ends):
            removable += here
            continue
        fit = [layer for layer in here if holds(Cut("layer", layers=(layer,)))]
        refused |= {layer.name: UNLIKE for layer in here if layer not in fit}
        removable += fit
    return tuple(removable)


def _rebuilds_equal(cut: Cut, configured: ConfiguredModel, sample: Batch, head: str) -> bool:
    """Whether transformers builds the network without `cut`, with the outputs of the network in
    which `cut` is zeroed. `head`: see `Anatomy`."""
    model = configured.model
    child = frame_of(model)
    try:
        narrow(cut, child)
    except SurgeryError:
        return False
    built = from_configuration(cut, model, child, configured.reference)
    if built is None or not matches_configuration(built):
        return False
    return difference(cut, model, built, sample, heads(cut, head, model)) <= 1.0
