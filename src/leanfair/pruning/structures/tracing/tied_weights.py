"""Weights that several modules share: what narrows one of them would tear them apart."""

from __future__ import annotations

from collections import Counter

from torch import nn


def shared(part: nn.Module, everywhere: Counter[int]) -> str:
    """The name of a parameter of `part` that a module outside of it has, too; "" if none is.
    `everywhere`: the `places` of the whole network."""
    inside = places(part)
    for name, parameter in part.named_parameters():
        if everywhere[id(parameter)] > inside[id(parameter)]:
            return name
    return ""


def places(root: nn.Module) -> Counter[int]:
    """How many modules hold each parameter, by its identity."""
    return Counter(
        id(parameter)
        for module in root.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
