"""What networks get right of images under common corruptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.evaluation.robustness.corruptions.catalogue import (
    CORRUPTIONS,
    SEVERITIES,
    check_corruptions,
    corrupted,
)
from leanfair.evaluation.robustness.pictures import Network, Pictures


@dataclass(frozen=True)
class Corruptions:
    """Which corruptions, at which severities from 1 to 5, and on how many images (`samples`)."""

    names: tuple[str, ...] = tuple(CORRUPTIONS)
    severities: tuple[int, ...] = SEVERITIES
    samples: int = 256

    def __post_init__(self) -> None:
        check_corruptions(self.names, self.severities)
        if self.samples < 2:
            raise InputError(f"Corrupt 2 samples or more, not {self.samples}.")


def under(
    name: str,
    severity: int,
    networks: Sequence[Network],
    pictures: Pictures,
    *,
    seed: int = 0,
    batch_size: int = 256,
) -> Tensor:
    """What each of `networks` gets right of `pictures` under one corruption: bool [networks, n]."""
    changed = corrupted(pictures.pixels, name, severity, rows=pictures.rows, seed=seed)
    return torch.stack([net.right(changed, pictures.labels, batch_size) for net in networks])


def all_under(
    networks: Sequence[Network],
    pictures: Pictures,
    corruptions: Corruptions,
    *,
    seed: int = 0,
    batch_size: int = 256,
    on_unit: Callable[[float], None] | None = None,
) -> Tensor:
    """`under` for all: bool [corruptions, severities, networks, n]."""
    found = []
    todo = list(product(corruptions.names, corruptions.severities))
    for number, (name, severity) in enumerate(todo, start=1):
        found.append(under(name, severity, networks, pictures, seed=seed, batch_size=batch_size))
        if on_unit is not None:
            on_unit(number / len(todo))
    shape = len(corruptions.names), len(corruptions.severities), len(networks), len(pictures)
    return torch.stack(found).view(shape)
