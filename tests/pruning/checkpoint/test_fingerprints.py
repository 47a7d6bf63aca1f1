"""Other data, and another function, are told from those that a run began with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from leanfair.data.batches import Batch
from leanfair.pruning.checkpoint.fingerprints import fingerprint_of, labels_digest, told
from tests.support.nets import batches_of, samples

DATA = samples(40, seed=1)
INPUTS, LABELS = DATA.tensors


class Lazy(Dataset[Any]):
    """Samples that are made one by one, changed by chance."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        self.pairs = list(zip(inputs, labels, strict=True))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, label = self.pairs[index]
        return image + torch.randn_like(image) + float(np.random.rand()), label


class Held(Lazy):
    """Thousands of samples, of which an array is held."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        super().__init__(inputs, labels)
        self.targets = labels.numpy().copy()


class Stream(IterableDataset[Any]):
    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        self.given = inputs, labels

    def __iter__(self) -> Any:
        return iter(zip(*self.given, strict=True))


MAKERS = {
    "dataset": TensorDataset,
    "loader": lambda x, y: DataLoader(TensorDataset(x, y), batch_size=7, shuffle=True),
    "subset": lambda x, y: Subset(TensorDataset(x, y), range(len(x))),
    "list": lambda x, y: batches_of(TensorDataset(x, y), 9),
    "lazy": Lazy,
    "held": Held,
    "stream": lambda x, y: DataLoader(Stream(x, y), batch_size=8),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_data_have_one_fingerprint_and_other_data_another(kind: str) -> None:
    make = MAKERS[kind]
    found = fingerprint_of(make(INPUTS, LABELS))
    assert found == fingerprint_of(make(INPUTS.clone(), LABELS.clone()))
    assert None not in found
    turned = fingerprint_of(make(INPUTS, 3 - LABELS))
    assert turned.inputs == found.inputs
    assert turned.labels != found.labels
    other = fingerprint_of(make(samples(40, seed=2).tensors[0], LABELS))
    assert other.inputs != found.inputs
    assert other.labels == found.labels


@pytest.mark.parametrize("kind", ["dataset", "list", "held"])
def test_one_label_among_thousands_in_memory_counts(kind: str) -> None:
    x, y = torch.zeros(5000, 1), torch.zeros(5000, dtype=torch.int64)
    changed = y.clone()
    changed[1237] = 1
    make = MAKERS[kind]
    assert fingerprint_of(make(x, y)).labels != fingerprint_of(make(x, changed)).labels


def test_data_that_differ_at_every_look_are_not_compared() -> None:
    class Drawing(Lazy):
        generator = torch.Generator().manual_seed(0)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return torch.randn(3, generator=self.generator), self.pairs[index][1]

    assert fingerprint_of(Drawing(INPUTS, LABELS)) == (None, None)


def test_data_without_labels_have_none() -> None:
    assert fingerprint_of(INPUTS).labels is None
    assert fingerprint_of(None) == (None, None)
    assert labels_digest([Batch(INPUTS)]) is None
    assert labels_digest([Batch(INPUTS, LABELS)]) != labels_digest([Batch(INPUTS, 3 - LABELS)])


def test_looking_leaves_the_global_generators_as_they_were() -> None:
    state = torch.random.get_rng_state()
    fingerprint_of(Lazy(INPUTS, LABELS))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_functions_are_told_apart_by_what_they_say() -> None:
    def one(net: object, epochs: float) -> None:
        return None

    def other(net: object, epochs: float) -> None:
        raise NotImplementedError

    class Trainer:
        def __call__(self, net: object, epochs: float) -> None: ...

        def train(self, net: object, epochs: float) -> None: ...

    def bound(rate: float) -> Callable[[object, float], None]:
        def train(net: object, epochs: float) -> None:
            print(rate)

        return train

    functions = [
        one,
        other,
        lambda n, e: None,
        lambda n, e: 1,
        Trainer(),
        Trainer().train,
        bound(0.1),
        bound(0.2),
        functools.partial(one, epochs=1),
        functools.partial(one, epochs=2),
    ]
    names = {told(function) for function in functions}
    assert len(names) == len(functions)
    assert told(one) == told(one)
    assert told(Trainer()) == told(Trainer())
    built = [eval(f"lambda n, e: {i}") for i in (1, 1, 2)]
    assert told(built[0]) == told(built[1]) != told(built[2])
    assert told(None) is None
