"""Splitting data three ways: train, calibration and test share no sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leanfair.errors import InputError


def outside(rows: Tensor | None, count: int) -> Tensor:
    """Those of 0..count-1 that are not among `rows`, ascending."""
    mask = torch.ones(count, dtype=torch.bool)
    if rows is not None:
        mask[rows] = False
    return mask.nonzero().squeeze(1)


def without(rows: Tensor, others: Tensor, digests: NDArray[np.bytes_]) -> Tensor:
    """Those of `rows` whose image is not, byte for byte, among `others`."""
    return rows[torch.from_numpy(~np.isin(digests[rows.numpy()], digests[others.numpy()]))]


def stratified(labels: Tensor, total: int, keep: int, generator: torch.Generator) -> Tensor:
    """`total` random rows of `labels` that leave `keep` of each class behind.

    The k-th of a class's n images, in random order, is due at time k / n (k from 0); the rows due
    first are drawn. So each class gives at least one once `total` is as large as the number C of
    classes, at most one more than its share `total * n / len(labels)`, and at most
    (C - 1) n / len(labels) less. Any prefix of the draw is as balanced.
    """
    order = torch.randperm(len(labels), generator=generator)
    by_class = order[labels[order].argsort(stable=True)]
    counts = labels.bincount()
    starts = counts.cumsum(0) - counts
    rank = torch.empty_like(labels)
    rank[by_class] = torch.arange(len(labels)) - starts[labels[by_class]]
    due = rank.double() / counts[labels]
    due[rank >= counts[labels] - keep] = torch.inf
    return order[due[order].argsort(stable=True)][:total]


PARTS = {
    "train": ("train", "training"),
    "calibration": ("valid", "validation", "val", "dev", "calibration"),
    "test": ("test",),
}
"""The parts of a data set, and how their files in a folder are called."""


MOST_CALIBRATION = 128
"""Blocks held out for calibration unless another number is asked for."""


PartT = TypeVar("PartT")


@dataclass(frozen=True)
class TextSplits(Generic[PartT]):
    """A data set in three parts without a common sample."""

    name: str
    train: PartT
    calibration: PartT
    test: PartT


def divided(
    given: Mapping[str, Tensor], wanted: int | None, generator: torch.Generator, where: str
) -> tuple[Tensor, Tensor, Tensor]:
    """The blocks of train, calibration and test: those `given`, and what is missing cut out of the
    first of them."""
    train, held, test = (given.get(part) for part in PARTS)
    if train is None:
        train, held = held, None
    assert train is not None
    whole = len(train)
    if test is None:
        tenth = max(1, whole // 10)
        train, test = train[:-tenth], train[-tenth:]
    if held is not None:
        return train, _drawn(held, wanted, generator, where), test
    count = wanted or min(MOST_CALIBRATION, max(1, whole // 10))
    if count >= len(train):
        raise InputError(
            f"{where} is too short: {whole} blocks of {train.shape[1]} tokens are too few for "
            f"{'train, calibration and test' if 'test' not in given else 'train and calibration'}, "
            f"with {count} held out for calibration; give more text, or a smaller length."
        )
    start = int(torch.randint(0, len(train) - count + 1, (), generator=generator))
    stop = start + count
    return torch.cat([train[:start], train[stop:]]), train[start:stop], test


def _drawn(held: Tensor, wanted: int | None, generator: torch.Generator, where: str) -> Tensor:
    """So many blocks of `held` as are wanted, by chance and in their order."""
    count = wanted or min(MOST_CALIBRATION, len(held))
    if count > len(held):
        raise InputError(
            f"calibration={count} is more than the {len(held)} blocks of the calibration part of "
            f"{where}: ask for fewer, or give more text."
        )
    return held[torch.randperm(len(held), generator=generator)[:count].sort().values]
