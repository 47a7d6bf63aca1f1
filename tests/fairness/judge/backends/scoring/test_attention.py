"""Attention of a packed pass is that over everything with a mask, and a model keeps its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leanfair.fairness.judge.backends.scoring.attention import packed, packed_attention
from leanfair.fairness.judge.backends.scoring.masks import tree_inputs
from leanfair.fairness.judge.backends.scoring.packing import pack
from tests.fairness.judge.backends.scoring.test_packing import PARENTS
from tests.support.tiny_judge import model

CHAIN = [-1, 0, 1, 1, 3]
IDS = torch.tensor([[5, 6, 7, 8, 9]])


@given(
    parents=PARENTS,
    start=st.sampled_from([0, 5]),
    shared=st.sampled_from([1, 2, 6]),
    scale=st.sampled_from([None, 0.7]),
    seed=st.integers(0, 9),
)
def test_it_is_attention_over_everything_that_a_mask_leaves(
    parents: list[int], start: int, shared: int, scale: float | None, seed: int
) -> None:
    make = torch.Generator().manual_seed(seed)
    tokens = len(parents)
    query = torch.randn(1, 6, tokens, 8, generator=make)
    key, value = (torch.randn(1, shared, start + tokens, 8, generator=make) for _ in range(2))
    found = packed(query, key, value, pack(parents, start, torch.float32), scale)
    mask = tree_inputs([parents], tokens, start, torch.float32)["attention_mask"]
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scale, enable_gqa=True
    )
    torch.testing.assert_close(found, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_a_model_attends_as_it_did_before_once_it_is_over() -> None:
    net = model("Llama")
    own = net.config._attn_implementation
    with torch.no_grad():
        before = net(input_ids=IDS).logits
        with packed_attention(net, made := pack(CHAIN, 0, torch.float32)):
            inside = net(input_ids=IDS, position_ids=made.positions, use_cache=False).logits
        after = net(input_ids=IDS).logits
        branch = net(input_ids=IDS[:, [0, 1, 3, 4]]).logits
    assert net.config._attn_implementation == own
    assert torch.equal(before, after)
    torch.testing.assert_close(inside[0, [0, 1, 3, 4]], branch[0], atol=1e-4, rtol=1e-4)


def test_a_model_whose_attention_is_capped_or_its_own_is_refused() -> None:
    made = pack(CHAIN, 0, torch.float32)
    inputs: dict[str, Any] = {"input_ids": IDS, "position_ids": made.positions}
    capped, own = model("Gemma2"), torch.nn.Linear(1, 1)
    with (
        torch.no_grad(),
        pytest.raises(ValueError, match="with softcap"),
        packed_attention(capped, made),
    ):
        capped(**inputs)
    assert capped.config._attn_implementation != "leanfair_packed"
    with pytest.raises(ValueError, match="in a way of its own"), packed_attention(own, made):
        pass
