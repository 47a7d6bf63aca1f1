"""Measuring: a network comes out of it as it went in."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.evaluation.mode import device_of, evaluating, moved


def test_each_module_gets_its_own_mode_back_even_after_an_error() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)))
    model.train()
    model[0].eval()  # a frozen normalisation in a network under training
    before = [module.training for module in model.modules()]
    for fails in (False, True):
        try:
            with evaluating(model):
                assert not any(module.training for module in model.modules())
                if fails:
                    raise KeyError
        except KeyError:
            pass
        assert [module.training for module in model.modules()] == before


@pytest.mark.parametrize("model", [nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)])
def test_batches_move_to_where_the_weights_or_the_buffers_are(model: nn.Module) -> None:
    assert device_of(model) == torch.device("cpu")
    model.to("meta")
    batch = moved(Batch({"x": torch.ones(3, 2)}, torch.zeros(3)), model)
    assert isinstance(batch.inputs, dict)
    assert batch.labels is not None
    assert {batch.inputs["x"].device.type, batch.labels.device.type} == {"meta"}


def test_a_model_without_weights_takes_batches_where_they_are() -> None:
    batch = Batch(torch.ones(3, 2, device="meta"))
    assert device_of(nn.ReLU()) is None
    assert moved(batch, nn.ReLU()) is batch
