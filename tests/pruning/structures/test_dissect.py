"""Structures are found on a copy, or on a network of one's own, to the same end."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.errors import InputError, UnsupportedModelError
from leanfair.pruning.structures.dissect import anatomy_of, dissect, trace
from tests.support.nets import samples, tiny

SAMPLE = Batch(samples(4).tensors[0])


def test_tracing_leaves_a_network_as_it_was() -> None:
    model = tiny()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    hooks = [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules()]
    names = [name for name, _ in model.named_modules()]
    structures, head = trace(model, SAMPLE)
    assert structures == anatomy_of(tiny(), SAMPLE)
    assert structures.head == head.name == "linear"
    assert head.once
    assert names == [name for name, _ in model.named_modules()]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    after = [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules()]
    assert hooks == after


def test_a_network_without_structures_is_refused_by_name() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).eval()
    assert not anatomy_of(model, SAMPLE).layers
    with pytest.raises(UnsupportedModelError, match="Sequential has no structure"):
        dissect(model, SAMPLE)


def test_data_that_it_does_not_run_on_are_told() -> None:
    with pytest.raises(InputError, match="does not run on the calibration data"):
        dissect(tiny(), Batch(torch.zeros(2, 3, 8, 8)))
