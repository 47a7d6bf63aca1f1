"""Which attributes of an attention say how many heads it has: seen by building it with fewer.

An attention cuts its channels into heads by numbers that it keeps as attributes, under any name.
Those that fall with the number of heads when transformers builds it with one head less are the ones
to change when heads go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torch import nn

from leanfair.pruning.structures.configuration.entries import Stock, one_head_less
from leanfair.pruning.surgery.modules import dense_weight
from leanfair.pruning.types import Neurons


def sized(stock: Stock, groups: Iterable[Neurons]) -> list[Neurons]:
    """The same groups of heads, each with the attributes that grow with the number of heads."""
    built: dict[tuple[int, int], nn.Module | None] = {}
    found = []
    for group in groups:
        # A layer that lost some has fewer than its configuration says.
        first = replace(group, count=_count(stock.bare, group))
        key = first.count, max(member.repeat for member in first.members)
        if key not in built:
            built[key] = next(one_head_less(stock, first), None)
        found.append(replace(group, sizes=_sizes(stock, built[key], first)))
    return found


def _count(bare: nn.Module, group: Neurons) -> int:
    """How many heads transformers builds."""
    reader = next(member for member in group.members if member.side == "in")
    try:
        return dense_weight(bare.get_submodule(reader.module)).shape[1] // reader.repeat
    except AttributeError:  # it builds something else
        return group.count


def _sizes(stock: Stock, less: nn.Module | None, group: Neurons) -> tuple[tuple[str, str], ...]:
    if less is None:
        return ()
    return tuple(
        (name, attribute)
        for name in _around(group)
        for attribute in vars(stock.model.get_submodule(name))
        if _value(stock.model, name, attribute)
        if (value := _value(stock.bare, name, attribute))
        if value * (group.count - 1) == _value(less, name, attribute) * group.count
    )


def _value(model: nn.Module, name: str, attribute: str) -> int:
    """A number above zero that a module keeps; 0 where it keeps none of that name."""
    try:
        value = vars(model.get_submodule(name)).get(attribute)
    except AttributeError:
        return 0
    return value if type(value) is int and value > 0 else 0


def _around(group: Neurons) -> list[str]:
    """The modules that hold the members of a group, up to its block."""
    found: dict[str, None] = {}
    for member in group.members:
        name = member.module.rpartition(".")[0]
        while name.startswith(f"{group.block}."):
            found.setdefault(name)
            name = name.rpartition(".")[0]
    return list(found)
