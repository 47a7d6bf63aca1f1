"""The stream of training batches: in any order of events, the same batch at the same place."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from leanfair.data.images import load
from leanfair.errors import InputError
from leanfair.pruning.training import sampling as module
from leanfair.pruning.training.distributed import Group
from leanfair.pruning.training.sampling import shards


class Noisy(Dataset[tuple[Tensor, int]]):
    """Samples that draw from torch's generator whenever they are read."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return index + 0.1 * torch.rand(2), index


def sources() -> dict[str, Any]:
    x, y = torch.arange(11.0).view(11, 1), torch.arange(11)
    return {
        "dataset": TensorDataset(x, y),
        "noisy dataset": Noisy(),
        "augmented images": load("digits").train.subset(range(11)),
        "list": [(x[:5], y[:5]), (x[5:], y[5:])],
        "loader": DataLoader(Noisy(), batch_size=4, shuffle=True),
        "loader with a generator": DataLoader(
            Noisy(), batch_size=4, shuffle=True, generator=torch.Generator()
        ),
    }


def drawn(source: Any, count: int, skip: int = 0, seed: int = 0) -> list[Tensor]:
    return [shard.batch.inputs for shard in islice(shards(source, 4, seed, skip), count)]  # type: ignore[misc]


def equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("name", sources())
def test_the_stream_depends_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(1)
    first = drawn(sources()[name], 7)
    torch.manual_seed(2)
    assert equal(first, drawn(sources()[name], 7))
    source = sources()[name]
    drawn(source, 2)
    assert equal(first, drawn(source, 7)), "what was drawn before must not matter"


@pytest.mark.parametrize("name", sources())
@pytest.mark.parametrize("skip", [1, 2, 3, 4, 5])
def test_going_on_in_the_middle_gives_the_batches_that_follow(name: str, skip: int) -> None:
    whole = drawn(sources()[name], 7)
    assert equal(whole[skip:], drawn(sources()[name], 7 - skip, skip))


def test_seeds_and_passes_differ() -> None:
    source = TensorDataset(torch.arange(8.0).view(8, 1))
    passes = drawn(source, 4)
    assert not equal(passes[:2], passes[2:])
    assert not equal(passes, drawn(source, 4, seed=1))


@pytest.mark.parametrize("name", ["dataset", "list"])
def test_every_pass_gives_every_sample_once(name: str) -> None:
    per_pass = 3 if name == "dataset" else 2
    for start in (0, per_pass):
        seen = torch.cat(drawn(sources()[name], per_pass, skip=start)).flatten().sort().values
        assert torch.equal(seen, torch.arange(11.0))


@pytest.mark.parametrize("name", sources())
@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_what_one_process_would_see(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(sources()[name], 6)
    shares = []
    for rank in range(size):
        monkeypatch.setattr(module, "group", lambda rank=rank: Group(rank, size))
        parts = list(islice(shards(sources()[name], 4, 0), 6))
        assert [shard.total for shard in parts] == [len(batch) for batch in whole]
        shares.append([shard.batch.inputs for shard in parts])
    assert equal(whole, [torch.cat(parts) for parts in zip(*shares, strict=True)])


def test_a_batch_of_one_sample_is_left_out() -> None:
    source = TensorDataset(torch.arange(9.0).view(9, 1))
    assert [len(batch) for batch in drawn(source, 4)] == [4, 4, 4, 4]


@pytest.mark.parametrize(
    "source", [TensorDataset(torch.arange(9.0).view(9, 1)), list(torch.zeros(9, 1).split(4))]
)
def test_batches_of_fewer_samples_than_are_wanted_are_left_out(source: Any) -> None:
    for least, sizes in {1: [4, 4, 1, 4], 2: [4, 4, 4, 4], 4: [4, 4, 4, 4]}.items():
        found = islice(shards(source, 4, 0, least=least), 4)
        assert [shard.total for shard in found] == sizes
    with pytest.raises(InputError, match="at least 5 samples"):
        next(shards(source, 4, 0, least=5))


@pytest.mark.parametrize(
    "source", [TensorDataset(torch.zeros(1, 2)), [torch.zeros(1, 2)], [], iter([])]
)
def test_data_that_gives_no_batch_is_refused(source: Any) -> None:
    with pytest.raises(InputError, match="at least 2 samples"):
        next(shards(source, 4, 0))
