"""Batches: every accepted shape of data comes out as the same uniform batches."""

from __future__ import annotations

from collections import UserDict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from leanfair.data.batches import Batch, as_batch, forward, is_dataset, iterate
from leanfair.errors import InputError

X, Y = torch.arange(20.0).view(10, 2), torch.arange(10)


class Pairs(Dataset[tuple[Tensor, int]]):
    """Samples one by one."""

    def __init__(self, count: int = 10) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return X[index], int(Y[index])


class Dicts(Pairs):
    """Samples as transformers has them."""

    def __getitem__(self, index: int) -> Any:
        return {"input_ids": X[index], "mask": X[index] > 3, "labels": int(Y[index])}


class Whole(Pairs):
    """Samples by whole batches, which must be preferred to one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[Tensor] = []

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        raise AssertionError("take() should have been called")

    def take(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        self.drawn.append(torch.rand(2, generator=generator))
        return X[rows], Y[rows]


def inputs_of(batch: Batch) -> Tensor:
    return batch.inputs if isinstance(batch.inputs, Tensor) else next(iter(batch.inputs.values()))


def labels(batches: list[Batch]) -> Tensor:
    return torch.cat([batch.labels for batch in batches if batch.labels is not None])


@pytest.mark.parametrize(
    "source",
    [
        Pairs(),
        Dicts(),
        Whole(),
        TensorDataset(X, Y),
        DataLoader(Pairs(), batch_size=4),
        [(X[:4], Y[:4]), [X[4:8], Y[4:8]], Batch(X[8:], Y[8:])],
        [{"x": X[:4], "labels": Y[:4]}, UserDict(x=X[4:8], label=Y[4:8]), (X[8:], [8, 9])],
    ],
    ids=lambda source: type(source).__name__,
)
def test_every_accepted_shape_gives_the_same_batches_every_time(source: Any) -> None:
    for _ in range(2):
        batches = list(iterate(source, batch_size=4))
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert torch.equal(labels(batches), Y)
        first = [inputs_of(batch) for batch in batches]
        assert torch.equal(torch.cat(first), X)


@pytest.mark.parametrize("source", [X, TensorDataset(X), [X[:4], X[4:8], X[8:]]])
def test_inputs_need_no_labels(source: Any) -> None:
    batches = list(iterate(source, batch_size=4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert all(batch.labels is None for batch in batches)
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), X)  # type: ignore[misc]


@given(seed=st.integers(0, 2**63 - 1), size=st.integers(1, 12))
def test_shuffling_is_a_permutation_that_the_seed_determines(seed: int, size: int) -> None:
    first = list(iterate(Pairs(), size, shuffle=seed))
    again = list(iterate(Pairs(), size, shuffle=seed))
    whole = list(iterate(Whole(), size, shuffle=seed))
    assert labels(first).sort().values.equal(Y)
    assert labels(first).equal(labels(again))
    assert labels(first).equal(labels(whole))
    for batch in first:
        assert torch.equal(batch.inputs, X[batch.labels])


def test_shuffling_differs_between_seeds_and_touches_no_global_generator() -> None:
    state = torch.get_rng_state()
    orders = {tuple(labels(list(iterate(Pairs(), shuffle=seed))).tolist()) for seed in range(10)}
    assert len(orders) == 10
    assert torch.equal(torch.get_rng_state(), state)


def test_take_draws_anew_for_each_batch_and_again_the_same_for_the_same_seed() -> None:
    first, second, other = Whole(), Whole(), Whole()
    for source, seed in ((first, 5), (second, 5), (other, 6)):
        list(iterate(source, 4, shuffle=seed))
    assert torch.equal(torch.stack(first.drawn), torch.stack(second.drawn))
    assert not torch.equal(torch.stack(first.drawn), torch.stack(other.drawn))
    assert len({float(draw[0]) for draw in first.drawn}) == 3


def test_a_loader_that_shuffles_is_determined_by_the_seed() -> None:
    loader = DataLoader(Pairs(), batch_size=3, shuffle=True)
    first, again, other = (labels(list(iterate(loader, shuffle=seed))) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)
    assert first.sort().values.equal(Y)


@pytest.mark.parametrize("source", [[], iter(()), [X[:0]], Pairs(0), X[:0], DataLoader(Pairs(0))])
def test_nothing_to_read_is_refused(source: Any) -> None:
    with pytest.raises(InputError, match="The data is empty"):
        list(iterate(source))


@pytest.mark.parametrize("raw", ["text", 3, {"label": Y}, {"text": ["a"]}, (X, Y, Y), [1, 2], {}])
def test_what_is_no_batch_is_refused_by_its_type(raw: Any) -> None:
    with pytest.raises(InputError, match=f"but one is {type(raw).__name__}"):
        as_batch(raw)


def test_a_batch_slices_and_moves_with_its_labels() -> None:
    for inputs in (X, {"a": X, "b": X * 2}):
        batch = Batch(inputs, Y)
        part = batch[2:5]
        assert (len(batch), len(part)) == (10, 3)
        assert part.labels is not None
        assert torch.equal(part.labels, Y[2:5])
        assert isinstance(part.inputs, type(inputs))
        moved = batch.to("meta")
        assert moved.labels is not None
        assert moved.labels.device.type == "meta"
        values = [moved.inputs] if isinstance(moved.inputs, Tensor) else moved.inputs.values()
        assert all(value.device.type == "meta" for value in values)
    assert Batch(X)[1:3].labels is None
    assert Batch(X).to("cpu").labels is None


def test_datasets_are_told_from_iterables_of_batches() -> None:
    assert is_dataset(Pairs())
    assert is_dataset(TensorDataset(X))
    for other in ([X], (X,), X, {"x": X}, DataLoader(Pairs()), iter([X])):
        assert not is_dataset(other)


class Model(nn.Module):
    """Returns its logits as `wrap` wraps them."""

    def __init__(self, wrap: Any) -> None:
        super().__init__()
        self.wrap = wrap

    def forward(self, x: Tensor, scale: Tensor | float = 1.0) -> Any:
        return self.wrap(x * scale)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: x,
        lambda x: SimpleNamespace(logits=x),
        lambda x: {"loss": 0.0, "logits": x},
        lambda x: (x, "hidden"),
        lambda x: [x],
    ],
)
def test_forward_finds_the_logits(wrap: Any) -> None:
    assert torch.equal(forward(Model(wrap), X), X)
    assert torch.equal(forward(Model(wrap), {"x": X, "scale": torch.tensor(2.0)}), 2 * X)


@pytest.mark.parametrize("wrap", [lambda x: None, lambda x: {"loss": x}, lambda x: ("text", x)])
def test_a_model_without_logits_is_refused_by_name(wrap: Any) -> None:
    with pytest.raises(InputError, match=r"Model returns .* without logits"):
        forward(Model(wrap), X)
