"""Sizes and overlaps are read off what a source gives, not off the set behind it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

from leanfair.data.batches import iterate
from leanfair.data.raw.rows import count_of, rows_of

X = torch.arange(40.0).reshape(20, 2)
WHOLE = TensorDataset(X)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        yield from X


LOADERS: dict[str, Any] = {
    "plain": DataLoader(WHOLE, 3),
    "the last left out": DataLoader(WHOLE, 3, drop_last=True),
    "a subset by its sampler": DataLoader(WHOLE, 3, sampler=SubsetRandomSampler(range(5))),
    "a subset, the last left out": DataLoader(
        WHOLE, 3, sampler=SubsetRandomSampler(range(5)), drop_last=True
    ),
    "drawn again and again": DataLoader(
        WHOLE, 3, sampler=RandomSampler(WHOLE, replacement=True, num_samples=50)
    ),
    "weighted": DataLoader(WHOLE, 3, sampler=WeightedRandomSampler([1.0] * 20, 7)),
    "a sampler of batches": DataLoader(WHOLE, batch_sampler=[[0, 1], [2], [3, 4, 5]]),
    "a tensor": X,
    "a data set": WHOLE,
}


@pytest.mark.parametrize("name", LOADERS)
def test_the_count_is_that_of_a_pass(name: str) -> None:
    source, state = LOADERS[name], torch.get_rng_state()
    assert count_of(source) == sum(len(batch) for batch in iterate(source, 4))
    assert rows_of(source) is not None
    assert torch.equal(torch.get_rng_state(), state)


def test_a_stream_cannot_be_counted_beforehand() -> None:
    for source in (Stream(), DataLoader(Stream(), 2), [X]):
        assert count_of(source) is None
        assert rows_of(source) is None


def test_to_ask_does_not_change_what_a_loader_gives() -> None:
    def order(asked: bool) -> Any:
        generator = torch.Generator().manual_seed(3)
        loader = DataLoader(WHOLE, 20, shuffle=True, generator=generator)
        if asked:
            rows_of(loader)
        return next(iter(loader))[0]

    assert torch.equal(order(True), order(False))


def _shared(one: Any, two: Any) -> int:
    mine, its = rows_of(one), rows_of(two)
    assert mine is not None
    assert its is not None
    return len(mine.rows & its.rows) if mine.base == its.base else 0


def test_the_same_samples_are_found_through_views_of_all_kinds() -> None:
    half, rest = random_split(WHOLE, [12, 8])
    assert _shared(half, rest) == 0
    assert _shared(WHOLE, rest) == 8
    assert _shared(DataLoader(half, 5, shuffle=True), DataLoader(WHOLE, 2)) == 12
    assert _shared(TensorDataset(X[:12]), TensorDataset(X[10:])) == 2
    assert _shared(X.numpy()[:4], X[3:]) == 1
    assert _shared(TensorDataset(X), TensorDataset(X.clone())) == 0
