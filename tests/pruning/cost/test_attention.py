"""What attention multiplies, against counting every product by hand."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.pruning.cost.macs import bill
from tests.support.families import FAMILIES, sample_of

LENGTH = 7


def by_hand(layers: int, heads: int, wide: int, queries: int, keys: int) -> int:
    """One for every product of two numbers between tokens: queries with keys, weights with
    values."""
    return sum(2 for _ in product(*map(range, (layers, heads, queries, keys, wide))))


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize(
    ("name", "wide"),
    [("llama", 8), ("qwen3", 16), ("gemma", 8), ("phi3", 8), ("gpt2", 8), ("opt", 8), ("bert", 8)],
)
def test_texts_are_counted_at_their_length(name: str, wide: int, implementation: str) -> None:
    model = FAMILIES[name].make()
    model.set_attn_implementation(implementation)
    found = bill(model, sample_of(name, length=LENGTH)).attention
    assert found == by_hand(4, 4, wide, LENGTH, LENGTH)


def test_images_are_counted_at_their_patches() -> None:
    tokens = (16 // 8) ** 2 + 1  # and the one that stands for the class
    found = bill(FAMILIES["vit"].make(), sample_of("vit")).attention
    assert found == by_hand(4, 4, 8, tokens, tokens)


def test_a_decoder_also_attends_to_its_encoder() -> None:
    ids = torch.ones(1, LENGTH, dtype=torch.long)
    given = Batch({"input_ids": ids, "decoder_input_ids": ids[:, :3]})
    found = bill(FAMILIES["bart"].make(), given).attention
    read, written = by_hand(4, 4, 8, LENGTH, LENGTH), by_hand(3, 4, 8, 3, 3)
    assert found == read + written + by_hand(3, 4, 8, 3, LENGTH)
