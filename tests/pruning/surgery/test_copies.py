"""A copy that shares memory is told from its original in everything else."""

from __future__ import annotations

import torch
from torch import nn

from leanfair.pruning.surgery.copies import own_memory, shared_copy
from tests.support import words
from tests.support.nets import same, tiny


def test_a_copy_has_the_same_weights_at_the_same_place_and_ties_stay_ties() -> None:
    model = words.llama()
    model.lm_head.weight = model.model.embed_tokens.weight
    child = shared_copy(model)
    assert same(child, model)
    for one, other in zip(model.parameters(), child.parameters(), strict=True):
        assert one is not other
        assert one.data_ptr() == other.data_ptr()
        assert one.requires_grad == other.requires_grad
    assert child.lm_head.weight is child.model.embed_tokens.weight


def test_casting_or_replacing_leaves_the_original_as_it_was() -> None:
    model = tiny()
    was = {name: value.clone() for name, value in model.state_dict().items()}
    child = shared_copy(model).half()
    child.train()(torch.zeros(2, 1, 8, 8).half())  # buffers change, and are its own
    assert all(torch.equal(value, was[name]) for name, value in model.state_dict().items())


def test_memory_is_taken_where_it_is_shared_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    child = shared_copy(model)
    child[1].weight = nn.Parameter(torch.zeros(2, 3))
    kept = child[1].weight.data_ptr()
    own_memory(child, [model])
    assert child[1].weight.data_ptr() == kept
    assert child[0].weight.data_ptr() != model[0].weight.data_ptr()
    assert torch.equal(child[0].weight, model[0].weight)
    with torch.no_grad():
        child[0].weight.fill_(9.0)
    assert not torch.equal(child[0].weight, model[0].weight)
