"""Heads are found from what depends on one query channel, whatever the modules are called."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.heads import find_heads
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.types import Member, Neurons

WIDE, HEAD = 16, 4
INPUTS = Batch(torch.randn(2, 5, WIDE, generator=torch.Generator().manual_seed(0)))


class Block(nn.Module):
    """An attention of 4 heads, of which `shared` share a key and a value. `fused`: one module makes
    queries, keys and values. `normed`: queries are normalised for each head."""

    def __init__(self, shared: int = 1, fused: bool = False, normed: bool = False) -> None:
        super().__init__()
        self.pairs = WIDE // shared
        widths = (WIDE, self.pairs, self.pairs)
        self.one = nn.ModuleList([nn.Linear(WIDE, sum(widths))] if fused else [])
        self.three = nn.ModuleList([] if fused else [nn.Linear(WIDE, wide) for wide in widths])
        self.norm = nn.LayerNorm(HEAD) if normed else nn.Identity()
        self.back = nn.Linear(WIDE, WIDE)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.one):
            parts = list(self.one[0](x).split((WIDE, self.pairs, self.pairs), dim=-1))
        else:
            parts = [module(x) for module in self.three]
        q, k, v = (part.unflatten(-1, (-1, HEAD)).transpose(1, 2) for part in parts)
        k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))
        out = F.softmax(self.norm(q) @ k.transpose(2, 3), dim=-1) @ v
        return x + self.back(out.transpose(1, 2).flatten(2))


def heads(block: nn.Module) -> tuple[Neurons, ...]:
    model = nn.Sequential(block, nn.Linear(WIDE, 3)).eval()
    return find_heads(Tracer(model, INPUTS), "0", {"0"})


@pytest.mark.parametrize("normed", [False, True])
def test_every_head_has_its_query_key_value_and_output(normed: bool) -> None:
    (found,) = heads(Block(normed=normed))
    assert (found.unit, found.count, found.block) == ("head", 4, "0")
    assert set(found.members) == {
        *(Member(f"0.three.{i}", "out", 0, HEAD) for i in range(3)),
        Member("0.back", "in", 0, HEAD),
    }


def test_queries_that_share_a_key_go_together() -> None:
    (found,) = heads(Block(shared=2))
    assert found.count == 2
    assert set(found.members) == {
        Member("0.three.0", "out", 0, 2 * HEAD),
        *(Member(f"0.three.{i}", "out", 0, HEAD) for i in (1, 2)),
        Member("0.back", "in", 0, 2 * HEAD),
    }


def test_with_one_key_for_all_the_queries_go_alone() -> None:
    (found,) = heads(Block(shared=4))
    assert found.count == 4
    assert {member.module for member in found.members} == {"0.three.0", "0.back"}


@pytest.mark.parametrize("shared", [1, 2])
def test_the_parts_of_a_fused_projection_are_told_apart(shared: int) -> None:
    (found,) = heads(Block(shared=shared, fused=True))
    pairs = WIDE // shared
    assert found.count == 4 // shared
    assert {(m.offset, m.repeat) for m in found.members if m.side == "out"} == {
        (0, HEAD * shared), (WIDE, HEAD), (WIDE + pairs, HEAD),
    }  # fmt: skip


def test_an_mlp_has_no_heads() -> None:
    assert heads(nn.Sequential(nn.Linear(WIDE, 12), nn.ReLU(), nn.Linear(12, WIDE))) == ()
