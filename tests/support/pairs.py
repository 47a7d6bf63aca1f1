"""Two networks of one task side by side, made on the spot, and what `compare` says of them."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import torch
from torch import nn

from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.result import Comparison
from leanfair.comparison.sides.fitting import fitted
from tests.support.nets import samples, tiny


def damaged(model: nn.Module, noise: float = 0.05, seed: int = 0) -> nn.Module:
    """A copy of `model` whose weights are off by chance."""
    child = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in child.parameters():
            weight += noise * torch.randn(weight.shape, generator=generator)
    return child.eval()


def small_pair(test: Any = None, noise: float = 0.05) -> Pair:
    """A small network for images and one that differs by noise."""
    parent = tiny()
    data = samples(64) if test is None else test
    return fitted(Side("Parent", parent), Side("Child", damaged(parent, noise)), data)


@cache
def small_comparison() -> Comparison:
    """What `compare` finds of such a pair on 64 labelled images."""
    parent = tiny()
    return compare(parent, damaged(parent), test=samples(64), batch_size=16, seconds=0.02)
