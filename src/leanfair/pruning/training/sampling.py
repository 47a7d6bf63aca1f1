"""The endless stream of training batches, each divided among the processes.

What a batch holds depends on the seed and its place in the stream alone: not on what was drawn
before, so that a killed training can go on in the middle, and not on the number of processes.
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
from leanfair.errors import InputError
from leanfair.pruning.training.distributed import group

LEAST = 2
"""A batch of one sample has no statistics for a batch normalisation, and is left out."""


class Part(NamedTuple):
    """This process's `part` of a batch that has `whole` samples over all processes."""

    part: Batch
    whole: int


def feed(
    source: Source, batch_size: int, seed: int, skip: int = 0, least: int = LEAST
) -> Iterator[Part]:
    """Pass after pass over `source` in random order, without the first `skip` batches, and without
    batches of less than `least` samples.

    Random numbers drawn while a batch is used come from its place, too: generators are seeded
    before each. Raises InputError where a pass gives no batch.
    """
    number = 0
    for epoch in count():
        before = number
        passes = _dataset_pass if is_dataset(source) or isinstance(source, Tensor) else _loader_pass
        for part in passes(source, batch_size, f"{seed}/{epoch}", skip - number, least):
            if part is not None:
                _seed(f"{seed}/{number}/{group().rank}")
                yield part
            number += 1
        if number == before:
            raise InputError(
                f"The training data gives no batch of at least {least} samples: give more."
            )


def _dataset_pass(
    source: Any, batch_size: int, seed: str, skip: int, least: int
) -> Iterator[Part | None]:
    if isinstance(source, Tensor):
        source = torch.utils.data.TensorDataset(source)
    order = torch.randperm(len(source), generator=_generator(seed))
    for i, rows in enumerate(torch.split(order, batch_size)):
        if len(rows) >= least:
            yield None if i < skip else _taken(source, rows, f"{seed}/{i}")


def _taken(source: Any, rows: Tensor, seed: str) -> Part:
    mine = _mine(len(rows))
    if hasattr(source, "take"):
        # The whole batch is drawn, so that the augmentation does not depend on the processes.
        return Part(as_batch(source.take(rows, _generator(seed)))[mine], len(rows))
    samples = []
    for i in range(len(rows))[mine]:
        _seed(f"{seed}/{i}")
        samples.append(source[int(rows[i])])
    return Part(as_batch(collated(samples)), len(rows))


def _loader_pass(
    source: Any, batch_size: int, seed: str, skip: int, least: int
) -> Iterator[Part | None]:
    for generator in (getattr(source, "generator", None), _sampler_generator(source)):
        if generator is not None:
            generator.manual_seed(seed_of(seed))
    _seed(seed)
    iterator = iter(source)
    given = 0
    for i in count():
        _seed(f"{seed}/{i}")
        raw = next(iterator, None)
        if raw is None:
            return
        batch = as_batch(raw)
        if len(batch) >= least:
            yield None if given < skip else Part(batch[_mine(len(batch))], len(batch))
            given += 1


def _sampler_generator(source: Any) -> torch.Generator | None:
    found = getattr(getattr(source, "sampler", None), "generator", None)
    return found if isinstance(found, torch.Generator) else None


def _mine(samples: int) -> slice:
    """The rows of a batch that this process takes."""
    rank, size = group()
    return slice(rank * samples // size, (rank + 1) * samples // size)


def seed_of(text: str) -> int:
    """A seed of its own for every use of chance: the same for the same text, on any machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _generator(text: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(text))


def _seed(text: str) -> None:
    seed_globally(seed_of(text))
