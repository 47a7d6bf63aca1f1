"""Which rows of which data a source gives: what a loader draws by, not the set behind it."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, Subset, TensorDataset

from leanfair.data.randomness import preserved
from leanfair.data.raw.samples import SampleList, is_dataset


class Rows(NamedTuple):
    """The numbers `rows` of the data `base`, which is a name of them: equal for the same data."""

    base: object
    rows: frozenset[int]


def count_of(source: Any) -> int | None:
    """How many samples one pass over a Dataset, a tensor or a loader gives; None where only going
    through it would tell."""
    if isinstance(source, DataLoader):
        return _count_of_loader(source)
    if is_dataset(source) or isinstance(source, Tensor):
        return len(source)
    return None


def rows_of(source: Any) -> Rows | None:
    """The rows that `source` gives; None where they cannot be told."""
    if isinstance(source, DataLoader):
        numbers = _drawn_by(source)
        return None if numbers is None else rows_in(source.dataset, numbers)
    if is_dataset(source) or isinstance(source, Tensor):
        return rows_in(source, range(len(source)))
    return None


def rows_in(data: Any, numbers: Sequence[int]) -> Rows:
    """The samples `numbers` of `data`, by the rows of what it is a view of."""
    while isinstance(data, Subset):
        inside = data.indices
        numbers, data = [int(inside[i]) for i in numbers], data.dataset
    if isinstance(data, SampleList):
        data = data.samples
    first = data.tensors[0] if isinstance(data, TensorDataset) else data
    if isinstance(first, np.ndarray) and first.ndim and first.strides[0] > 0:
        start, step = first.__array_interface__["data"][0], first.strides[0]
        return Rows("memory", frozenset(start + step * i for i in numbers))
    if isinstance(first, Tensor) and first.ndim and first.stride(0) > 0:
        step = first.stride(0) * first.element_size()
        return Rows("memory", frozenset(first.data_ptr() + step * i for i in numbers))
    return Rows(id(data), frozenset(numbers))


def _count_of_loader(loader: DataLoader[Any]) -> int | None:
    if isinstance(loader.dataset, IterableDataset):
        return None
    plain = type(loader.batch_sampler) is BatchSampler or loader.batch_sampler is None
    if plain and isinstance(loader.sampler, Sized):
        count, size = len(loader.sampler), loader.batch_size
        return count - count % size if loader.drop_last and size else count
    numbers = _drawn_by(loader)
    return None if numbers is None else len(numbers)


def _drawn_by(loader: DataLoader[Any]) -> list[int] | None:
    """The numbers of the samples of one pass; None where the data have none. What a sampler leaves
    out of a pass by chance counts as left out."""
    if isinstance(loader.dataset, IterableDataset):
        return None
    states = [
        (generator, generator.get_state())
        for generator in (loader.generator, getattr(loader.sampler, "generator", None))
        if generator is not None
    ]
    with preserved():
        if loader.batch_sampler is None:
            numbers = [int(i) for i in loader.sampler]
        else:
            numbers = [int(i) for batch in loader.batch_sampler for i in batch]
    for generator, state in states:
        generator.set_state(state)
    return numbers
