"""The attributes of an attention module that depend on its number of heads.

An attention splits its channels into heads by numbers kept as attributes under various names. The
attributes that decrease in proportion when transformers builds the module with one head less are
those to update when heads are removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torch import nn

from leanfair.pruning.structures.configuration.entries import ConfiguredModel, one_head_less
from leanfair.pruning.surgery.modules import dense_weight
from leanfair.pruning.types import Neurons


def with_head_attributes(configured: ConfiguredModel, groups: Iterable[Neurons]) -> list[Neurons]:
    """The same groups of heads, each with the attributes that are proportional to the number of
    heads (`Neurons.sizes`)."""
    built: dict[tuple[int, int], nn.Module | None] = {}
    completed = []
    for group in groups:
        # A layer from which heads were removed before has fewer than its configuration says.
        first = replace(group, count=_count(configured.reference, group))
        key = first.count, max(member.repeat for member in first.members)
        if key not in built:
            built[key] = next(one_head_less(configured, first), None)
        completed.append(replace(group, sizes=_head_attributes(configured, built[key], first)))
    return completed


def _count(reference: nn.Module, group: Neurons) -> int:
    """The number of heads that transformers builds for `group`."""
    reader = next(member for member in group.members if member.side == "in")
    try:
        return dense_weight(reference.get_submodule(reader.module)).shape[1] // reader.repeat
    except AttributeError:  # transformers builds another architecture
        return group.count


def _head_attributes(
    configured: ConfiguredModel, less: nn.Module | None, group: Neurons
) -> tuple[tuple[str, str], ...]:
    if less is None:
        return ()
    return tuple(
        (name, attribute)
        for name in _around(group)
        for attribute in vars(configured.model.get_submodule(name))
        if _value(configured.model, name, attribute)
        if (value := _value(configured.reference, name, attribute))
        if value * (group.count - 1) == _value(less, name, attribute) * group.count
    )


def _value(model: nn.Module, name: str, attribute: str) -> int:
    """A positive integer attribute of a module; 0 if it has none of that name."""
    try:
        value = vars(model.get_submodule(name)).get(attribute)
    except AttributeError:
        return 0
    return value if type(value) is int and value > 0 else 0


def _around(group: Neurons) -> list[str]:
    """Names of the modules that contain the members of a group, up to its block."""
    names: dict[str, None] = {}
    for member in group.members:
        name = member.module.rpartition(".")[0]
        while name.startswith(f"{group.block}."):
            names.setdefault(name)
            name = name.rpartition(".")[0]
    return list(names)
