"""Weights that several modules share: narrowing one module would break the tie."""

from __future__ import annotations

from collections import Counter

from torch import nn


def shared(part: nn.Module, everywhere: Counter[int]) -> str:
    """The name of a parameter of `part` that a module outside of `part` also uses; "" if there is
    none. `everywhere`: the `holders` of the whole network."""
    inside = holders(part)
    for name, parameter in part.named_parameters():
        if everywhere[id(parameter)] > inside[id(parameter)]:
            return name
    return ""


def holders(root: nn.Module) -> Counter[int]:
    """The number of modules that hold each parameter, by the parameter's id."""
    return Counter(
        id(parameter)
        for module in root.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
