"""A twin has one block of each kind, and says which block of the whole network is like which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import UnsupportedModelError
from leanfair.models.streamed import blocks_of, streamed
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.surgery.twin import WORDS, twin_for, words_like
from tests.support.marks import mostly_real
from tests.support.shelves import MAKERS, ids, saved


@pytest.mark.parametrize("kind", MAKERS)
def test_the_blocks_of_a_twin_are_those_of_the_network(kind: str, tmp_path: Path) -> None:
    saved(tmp_path, kind, torch.bfloat16)
    model = streamed(tmp_path)
    twin, likeness = twin_for(model)
    assert likeness.order == blocks_of(model)
    for block, like in likeness.template.items():
        mine, its = model.get_submodule(block), twin.get_submodule(like)
        assert [tuple(v.shape) for v in mine.parameters()] == [
            tuple(v.shape) for v in its.parameters()
        ]
        if kind == "gemma":
            assert mine.self_attn.is_sliding == its.self_attn.is_sliding
    assert {value.dtype for value in twin.parameters()} == {torch.float32}
    assert not any(value.is_meta for value in twin.parameters())
    first = likeness.container
    assert likeness.told("lm_head") == [("lm_head", "")]
    assert likeness.told(f"{first}.0.mlp") == [(f"{first}.0.mlp", f"{first}.0")]


@pytest.mark.parametrize("kind", mostly_real(MAKERS, ["tied", "gemma"]))
def test_the_cost_told_by_a_twin_is_the_cost_that_is_counted(kind: str, tmp_path: Path) -> None:
    whole = saved(tmp_path, kind)
    sample = Batch({"input_ids": ids(2)})
    assert cost_of(streamed(tmp_path), sample) == cost_of(whole, sample)


def test_networks_that_no_twin_stands_for_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    model: Any = streamed(tmp_path)
    model.model.layers[2].mlp.up_proj = nn.Linear(16, 20, bias=False)
    with pytest.raises(UnsupportedModelError, match="has other blocks"):
        twin_for(model)


def test_words_are_as_many_as_the_sample_has() -> None:
    found: Any = words_like(Batch({"input_ids": ids(5, 7)}), 2, 4).inputs
    assert found["input_ids"].shape == (2, 4)
    assert int(found["input_ids"].max()) < WORDS
    with pytest.raises(UnsupportedModelError, match="takes tokens"):
        words_like(Batch(torch.zeros(2, 3)))
