"""Sampling of training batches, each divided into shards among the processes.

The content of a batch depends only on the seed and its index: not on what was drawn before, so that
training can be resumed at any batch, and not on the number of processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import torch
from torch import Tensor

from leanfair.data.batches import Batch, Source, as_batch, collated, is_dataset
from leanfair.data.randomness import seed_globally
from leanfair.data.raw.samples import batched, takes_rows
from leanfair.errors import InputError
from leanfair.pruning.training.distributed import group

LEAST = 2
"""The smallest batch: batch normalisation has no statistics for a single sample."""


class Shard(NamedTuple):
    """The part of a batch that this process trains on. `total`: samples of the batch over all
    processes."""

    batch: Batch
    total: int


def shards(
    source: Source, batch_size: int, seed: int, skip: int = 0, least: int = LEAST
) -> Iterator[Shard]:
    """This process's shards of an endless sequence of batches: epochs over `source`, each in random
    order, without the first `skip` batches and without batches of fewer than `least` samples.

    The global random generators are seeded before each shard is returned, so that dropout depends
    on its index alone. Raises InputError if an epoch gives no batch.
    """
    number = 0
    for epoch in count():
        first_of_epoch = number
        passes = _dataset_pass if is_dataset(source) or isinstance(source, Tensor) else _loader_pass
        for shard in passes(source, batch_size, f"{seed}/{epoch}", skip - number, least):
            if shard is not None:
                _seed(f"{seed}/{number}/{group().rank}")
                yield shard
            number += 1
        if number == first_of_epoch:
            raise InputError(
                f"The training data gives no batch of at least {least} samples: give more."
            )


def _dataset_pass(
    source: Any, batch_size: int, seed: str, skip: int, least: int
) -> Iterator[Shard | None]:
    if isinstance(source, Tensor):
        source = torch.utils.data.TensorDataset(source)
    order = torch.randperm(len(source), generator=_generator(seed))
    for i, rows in enumerate(torch.split(order, batch_size)):
        if len(rows) >= least:
            yield None if i < skip else _taken(source, rows, f"{seed}/{i}")


def _taken(source: Any, rows: Tensor, seed: str) -> Shard:
    mine = _mine(len(rows))
    if takes_rows(source):
        # The whole batch is drawn, so that augmentation does not depend on the number of processes.
        return Shard(as_batch(source.take(rows, _generator(seed)))[mine], len(rows))
    samples = []
    for i in range(len(rows))[mine]:
        _seed(f"{seed}/{i}")
        samples.append(source[int(rows[i])])
    return Shard(as_batch(collated(samples)), len(rows))


def _loader_pass(
    source: Any, batch_size: int, seed: str, skip: int, least: int
) -> Iterator[Shard | None]:
    for generator in (getattr(source, "generator", None), _sampler_generator(source)):
        if generator is not None:
            generator.manual_seed(seed_of(seed))
    _seed(seed)
    iterator = batched(source, batch_size)
    given = 0
    for i in count():
        _seed(f"{seed}/{i}")
        raw = next(iterator, None)
        if raw is None:
            return
        batch = as_batch(raw)
        if len(batch) >= least:
            yield None if given < skip else Shard(batch[_mine(len(batch))], len(batch))
            given += 1


def _sampler_generator(source: Any) -> torch.Generator | None:
    generator = getattr(getattr(source, "sampler", None), "generator", None)
    return generator if isinstance(generator, torch.Generator) else None


def _mine(samples: int) -> slice:
    """The rows of a batch of `samples` that form this process's shard."""
    rank, size = group()
    return slice(rank * samples // size, (rank + 1) * samples // size)


def seed_of(text: str) -> int:
    """A seed derived from `text` (SHA-256), the same on any machine: one for each purpose."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _generator(text: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(text))


def _seed(text: str) -> None:
    seed_globally(seed_of(text))
