"""Which attributes of an attention say how many heads it has: seen by building it with fewer.

An attention cuts its channels into heads by numbers that it keeps as attributes, under any name.
Those that fall with the number of heads when transformers builds it with one head less are the ones
to change when heads go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torch import nn

from leanfair.pruning.adapters.entries import one_head_less
from leanfair.pruning.types import Neurons


def sized(model: nn.Module, groups: Iterable[Neurons]) -> list[Neurons]:
    """The same groups of heads, each with the attributes that grow with the number of heads."""
    built: dict[tuple[int, int], nn.Module | None] = {}
    found = []
    for group in groups:
        key = group.count, max(member.repeat for member in group.members)
        if key not in built:
            built[key] = next(one_head_less(model, group), None)
        found.append(replace(group, sizes=_sizes(model, built[key], group)))
    return found


def _sizes(model: nn.Module, less: nn.Module | None, group: Neurons) -> tuple[tuple[str, str], ...]:
    if less is None:
        return ()
    return tuple(
        (name, attribute)
        for name in _around(group)
        for attribute, value in vars(model.get_submodule(name)).items()
        if type(value) is int and value > 0
        if value * (group.count - 1) == _value(less, name, attribute) * group.count
    )


def _value(model: nn.Module, name: str, attribute: str) -> int:
    try:
        value = getattr(model.get_submodule(name), attribute, 0)
    except AttributeError:
        return 0
    return value if type(value) is int else 0


def _around(group: Neurons) -> list[str]:
    """The modules that hold the members of a group, up to its block."""
    found: dict[str, None] = {}
    for member in group.members:
        name = member.module.rpartition(".")[0]
        while name.startswith(f"{group.block}."):
            found.setdefault(name)
            name = name.rpartition(".")[0]
    return list(found)
