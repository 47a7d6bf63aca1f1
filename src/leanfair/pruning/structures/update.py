"""The structures of a network after a cut: by arithmetic, where finding them anew would take long.

Nothing is tried out here. Each removal is proven when it is made, so a structure that arithmetic
got wrong is found out then; what it cannot get right is told beforehand, by `doubt` and `misfit`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from torch import Tensor, nn

from leanfair.errors import SurgeryError
from leanfair.pruning.surgery.modules import module_named, positions_of
from leanfair.pruning.surgery.narrowing import check_fit, keys_left, remove_layers
from leanfair.pruning.types import Anatomy, Cut, Layer, Member, NeuronCut, Neurons, Side

Keys = Mapping[str, Mapping[str, str]]
"""Container of blocks -> key of each member that stays -> its key afterwards."""


def update(cut: Cut, anatomy: Anatomy, model: nn.Module) -> Anatomy:
    """The structures of what `cut` leaves of `model`, whose structures are `anatomy`: blocks
    numbered anew, groups with the neurons that stay."""
    keys = _keys(cut, model)
    taken = positions_of(cut)
    dropped = {neurons.group.name: len(neurons.drop) for neurons in cut.neurons}
    gone = [layer.name for layer in cut.layers]

    def stays(name: str) -> bool:
        return not _within(name, gone)

    def now(name: str) -> str:
        return _renamed(name, keys)

    groups = {
        group.name: _left(group, dropped.get(group.name, 0), taken)
        for group in anatomy.neurons
        if stays(group.name)
    }
    going = {name for name, group in groups.items() if group.count > 1}
    ties = (tuple(now(name) for name in tie if name in going) for tie in anatomy.ties)
    stages = (tuple(now(n) for n in stage if stays(n)) for stage in anatomy.stages)
    return Anatomy(
        layers=tuple(_moved(layer, keys) for layer in anatomy.layers if stays(layer.name)),
        neurons=tuple(_placed(groups[name], keys) for name in groups if name in going),
        stages=tuple(stage for stage in stages if stage),
        units=tuple(now(name) for name in anatomy.units if stays(name)),
        head=now(anatomy.head),
        refused={now(name): why for name, why in anatomy.refused.items() if stays(name)},
        ties=tuple(tie for tie in ties if tie),
    )


def updated(cuts: Sequence[Cut], anatomy: Anatomy, model: nn.Module) -> tuple[Anatomy, str]:
    """The structures after all of `cuts`, made one after the other from `model`, and the first
    reason to doubt them ("" where there is none)."""
    names = _skeleton(model)
    why = ""
    for cut in cuts:
        why = why or doubt(cut, anatomy)
        anatomy = update(cut, anatomy, names)
        remove_layers(names, cut.layers)
    return anatomy, why


def renaming(cut: Cut, model: nn.Module) -> Callable[[str], str]:
    """What each module of `model` is called in what `cut` leaves of it."""
    return partial(_renamed, keys=_keys(cut, model))


def renamings(cuts: Sequence[Cut], model: nn.Module) -> list[Callable[[str], str]]:
    """The `renaming` of each of `cuts`, made one after the other from `model`."""
    names = _skeleton(model)
    found = []
    for cut in cuts:
        found.append(renaming(cut, names))
        remove_layers(names, cut.layers)
    return found


def doubt(cut: Cut, anatomy: Anatomy) -> str:
    """Why `update` cannot know the structures of what `cut` leaves; "" where it can."""
    gone = [layer.name for layer in cut.layers]
    if _within(anatomy.head, gone):
        return f"the block that goes holds the head, {anatomy.head}"
    for group in anatomy.neurons:
        inside = [member.module for member in group.members if _within(member.module, gone)]
        if inside and not _within(group.name, gone):
            return f"the neurons of {group.name}, which stays, run through {inside[0]}, which goes"
    return ""


def heads(cut: Cut, head: str, model: nn.Module) -> tuple[str, str | None]:
    """The name of `model`'s head, and of the head of what `cut` leaves of it; None where that is to
    be looked for, as it lies in a block that goes."""
    if _within(head, [layer.name for layer in cut.layers]):
        return head, None
    return head, _renamed(head, _keys(cut, model))


def misfit(anatomy: Anatomy, model: nn.Module) -> str:
    """How the structures that `anatomy` tells differ from the modules of `model`; "" where they do
    not."""
    names = {name for name, _ in model.named_modules()}
    told = [anatomy.head, *anatomy.units, *chain.from_iterable(anatomy.stages)]
    told += [name for layer in anatomy.layers for name in (layer.name, *layer.exits)]
    if missing := [name for name in told if name not in names]:
        return f"there is no module {missing[0]}"
    try:
        for group in anatomy.neurons:
            for member in group.members:
                module = module_named(model, member.module)
                check_fit(module, member, NeuronCut(group, (0,)))
    except SurgeryError as error:
        return str(error)
    return ""


def _skeleton(model: nn.Module) -> nn.Module:
    """A copy of `model` whose tensors are those of `model`, and stay as they are."""
    tensors = chain(model.parameters(), model.buffers())
    return copy.deepcopy(model, {id(value): value for value in tensors})


def _within(name: str, blocks: Iterable[str]) -> bool:
    """Whether module `name` is one of `blocks`, or in one."""
    return any(f"{name}.".startswith(f"{block}.") for block in blocks)


def _keys(cut: Cut, model: nn.Module) -> Keys:
    found = {}
    for container in {layer.container for layer in cut.layers}:
        gone = {
            layer.name.rpartition(".")[2] for layer in cut.layers if layer.container == container
        }
        found[container] = keys_left(module_named(model, container)._modules, gone)
    return found


def _renamed(name: str, keys: Keys) -> str:
    """`name` when the members of containers have the new `keys`."""
    parts = name.split(".")
    now = []
    for i, part in enumerate(parts):
        container = ".".join(parts[:i])
        now.append(keys.get(container, {}).get(part, part))
    return ".".join(now)


def _left(group: Neurons, dropped: int, taken: dict[tuple[str, Side], Tensor]) -> Neurons:
    """`group` without `dropped` neurons; in a module that lost something, what comes after that
    begins earlier."""

    def moved(member: Member) -> Member:
        gone = taken.get((member.module, member.side))
        before = 0 if gone is None else int((gone < member.offset).sum())
        return replace(member, offset=member.offset - before)

    left = group.count - dropped
    return replace(
        group,
        count=left,
        members=tuple(moved(member) for member in group.members),
        counts=tuple(n for n in group.counts if n < left),
    )


def _placed(group: Neurons, keys: Keys) -> Neurons:
    return replace(
        group,
        name=_renamed(group.name, keys),
        block=_renamed(group.block, keys),
        members=tuple(replace(m, module=_renamed(m.module, keys)) for m in group.members),
        sizes=tuple((_renamed(module, keys), attribute) for module, attribute in group.sizes),
    )


def _moved(layer: Layer, keys: Keys) -> Layer:
    return replace(
        layer,
        name=_renamed(layer.name, keys),
        container=_renamed(layer.container, keys),
        exits=tuple(_renamed(each, keys) for each in layer.exits),
    )
