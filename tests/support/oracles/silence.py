"""A network with structures silenced by zero weights: what a removal has to give, without hooks."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from leanfair.pruning.types import Cut


def silenced(cut: Cut, model: nn.Module) -> nn.Module:
    """A copy of `model` in which nothing reads the dropped neurons, and in which the norms at the
    exits of the layers give zeros."""
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for neurons in cut.neurons:
            for member in neurons.group.members:
                if member.side != "in":
                    continue
                weight = twin.get_submodule(member.module).weight
                for i in neurons.drop:
                    for k in range(member.repeat):
                        weight[:, member.offset + i * member.repeat + k] = 0.0
        for layer in cut.layers:
            for name in layer.exits:
                norm = twin.get_submodule(name)
                assert isinstance(norm, nn.BatchNorm2d)
                norm.weight.zero_()
                norm.bias.zero_()
    return twin


def logits(model: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        out = model(x)
    assert isinstance(out, Tensor)
    return out


def far(out: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the largest number expected."""
    assert out.shape == expected.shape
    return float((out - expected).abs().max() / expected.abs().max())
