"""What a network is made of after a cut: by arithmetic, where finding out anew would take long."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from leanfair.pruning.surgery.modules import positions_of
from leanfair.pruning.types import Anatomy, Cut, Layer, Member, Neurons, Side


def after(cut: Cut, anatomy: Anatomy) -> Anatomy:
    """The anatomy of the network that `cut` leaves: blocks numbered anew, groups with the neurons
    that stay. Nothing is tried out here: every removal is proven when it is made."""
    gone = {layer.name for layer in cut.layers}
    taken = positions_of(cut)
    dropped = {neurons.group.name: len(neurons.drop) for neurons in cut.neurons}

    def stays(name: str) -> bool:
        return not any(f"{name}.".startswith(f"{layer}.") for layer in gone)

    def now(name: str) -> str:
        return _renumbered(name, gone)

    groups = {
        group.name: _left(group, dropped.get(group.name, 0), taken)
        for group in anatomy.neurons
        if stays(group.name)
    }
    going = {name for name, group in groups.items() if group.count > 1}
    ties = (tuple(now(name) for name in tie if name in going) for tie in anatomy.ties)
    return Anatomy(
        layers=tuple(
            _named(layer, now(layer.name), gone) for layer in anatomy.layers if stays(layer.name)
        ),
        neurons=tuple(_placed(groups[name], gone) for name in groups if name in going),
        stages=tuple(
            stage
            for stage in (tuple(now(n) for n in stage if stays(n)) for stage in anatomy.stages)
            if stage
        ),
        units=tuple(now(name) for name in anatomy.units if stays(name)),
        head=now(anatomy.head),
        refused={now(name): why for name, why in anatomy.refused.items() if stays(name)},
        ties=tuple(tie for tie in ties if tie),
    )


def _renumbered(name: str, gone: set[str]) -> str:
    """`name` when the blocks `gone` are, and those after them in their container moved up."""
    for container in {layer.rpartition(".")[0] for layer in gone}:
        root = f"{container}." if container else ""
        number, _, rest = name[len(root) :].partition(".")
        if name.startswith(root) and number.isdigit():
            before = [layer[len(root) :] for layer in gone if layer.rpartition(".")[0] == container]
            fallen = sum(int(other) < int(number) for other in before if other.isdigit())
            name = f"{root}{int(number) - fallen}" + (f".{rest}" if rest else "")
    return name


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


def _placed(group: Neurons, gone: set[str]) -> Neurons:
    def now(name: str) -> str:
        return _renumbered(name, gone)

    return replace(
        group,
        name=now(group.name),
        block=now(group.block),
        members=tuple(replace(each, module=now(each.module)) for each in group.members),
        sizes=tuple((now(module), attribute) for module, attribute in group.sizes),
    )


def _named(layer: Layer, name: str, gone: set[str]) -> Layer:
    exits = tuple(_renumbered(each, gone) for each in layer.exits)
    return replace(layer, name=name, exits=exits)
