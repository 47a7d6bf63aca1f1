"""Codes tell modules apart where several are marked at once, or say that they do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.structures.tracing.passes import Passes
from leanfair.pruning.structures.tracing.together import Together

WIDE = 5


class _Sums(nn.Module):
    """Branches, the outputs of some of which are added, each sum read by another module."""

    def __init__(self, sums: list[tuple[int, ...]]) -> None:
        super().__init__()
        number = 1 + max(max(each) for each in sums)
        self.sums = sums
        self.branches = nn.ModuleList(nn.Linear(3, WIDE) for _ in range(number))
        self.readers = nn.ModuleList(nn.Linear(WIDE, 2) for _ in sums)

    def forward(self, x: Tensor) -> Tensor:
        made = [branch(x) for branch in self.branches]
        read = [
            reader(torch.stack([made[i] for i in each]).sum(0))
            for reader, each in zip(self.readers, self.sums, strict=True)
        ]
        return torch.stack(read).sum(0)


def together_of(sums: list[tuple[int, ...]], few: int) -> Together:
    network = _Sums(sums).eval()
    tracer = Tracer(network, Batch(torch.randn(1, 3)))
    widths = {f"branches.{i}": WIDE for i in range(len(network.branches))}
    return Together(Passes(tracer, "", (), first=False), widths, few)


SUMS: list[list[tuple[int, ...]]] = [
    [(0,), (1,), (2,)],
    [(0, 1), (2,)],
    [(0, 1), (1, 2), (3, 4, 5), (6,)],
]


@pytest.mark.parametrize("sums", SUMS)
def test_modules_with_passes_of_their_own_are_told_apart_wherever_they_meet(
    sums: list[tuple[int, ...]],
) -> None:
    found = together_of(sums, few=12).traces
    for i in range(1 + max(max(each) for each in sums)):
        read = [(f"readers.{j}", "in") for j, each in enumerate(sums) if i in each]
        assert list(found[f"branches.{i}"].marked) == read


@pytest.mark.parametrize("sums", SUMS)
def test_modules_with_codes_are_told_apart_or_left_out(sums: list[tuple[int, ...]]) -> None:
    found = together_of(sums, few=0).traces
    met = {i for each in sums for i in each if len(each) > 1}
    assert not {f"branches.{i}" for i in met} & set(found)
    for name, trace in found.items():
        i = int(name.rpartition(".")[2])
        assert list(trace.marked) == [(f"readers.{sums.index((i,))}", "in")]


def test_halves_of_modules_that_meet_are_marked_in_different_passes() -> None:
    together = together_of([(0, 1), (2,)], few=12)
    parts = together.halves(dict.fromkeys(together.traces, WIDE), 2)
    for name, reader in (("branches.0", 0), ("branches.1", 0), ("branches.2", 1)):
        for some, marked in parts[name]:
            assert torch.equal(marked[f"readers.{reader}", "in"], some)
