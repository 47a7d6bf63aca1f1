"""Randomness from a seed that leaves the global generators as they were.

Datasets, loaders and the initialisation of modules draw from the global generators of torch (of the
CPU and of each device in use), NumPy and Python's `random`. What runs here is given states of its
own, and the caller's are put back.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


class _States(NamedTuple):
    cpu: Tensor
    cuda: list[Tensor]
    mps: Tensor | None
    numpy: Any
    python: Any


def seed_globally(seed: int) -> None:
    """Seed the global generators: for use inside `preserved` alone. A CUDA that is not in use is
    left out, since its seed would outlast the block."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextmanager
def preserved(seed: int | None = None) -> Iterator[None]:
    """Put the global generators back at the end to what they were. Inside, they are those of `seed`
    or, with None, go on from where they were."""
    outside = _states()
    try:
        if seed is not None:
            seed_globally(seed)
        yield
    finally:
        _restore(outside)


def drawn(source: Iterable[T], seed: int | None = None) -> Iterator[T]:
    """The items of `source`, each made with the generators of `seed` (with None, with those that
    are found at the first item); between two items the caller has its own."""
    with preserved(seed):
        iterator = iter(source)
        inside = _states()
    while True:
        outside = _states()
        _restore(inside)
        try:
            item = next(iterator)
        except StopIteration:
            return
        finally:
            inside = _states()
            _restore(outside)
        yield item


def _states() -> _States:
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return _States(
        torch.default_generator.get_state(),
        torch.cuda.get_rng_state_all() if cuda else [],
        torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
        np.random.get_state(),
        random.getstate(),
    )


def _restore(states: _States) -> None:
    torch.default_generator.set_state(states.cpu)
    if states.cuda:
        torch.cuda.set_rng_state_all(states.cuda)
    if states.mps is not None:
        torch.mps.set_rng_state(states.mps)
    np.random.set_state(states.numpy)
    random.setstate(states.python)
