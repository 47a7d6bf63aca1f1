"""The state of a model tells weights that were changed, however that was done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from leanfair.fairness.judge.backends.scoring.weights import state_of


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 40), nn.BatchNorm1d(40), nn.Linear(40, 3, bias=False))


def optimised(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(4, 5)).square().sum().backward()
    optimizer.step()


def merged(model: nn.Module) -> None:
    weight = model[2].weight  # type: ignore[index]
    weight.data += torch.full((3, 1), 0.1) @ torch.full((1, 40), 0.1)


def replaced(model: nn.Module) -> None:
    weight = model[0].weight  # type: ignore[index]
    weight.data = weight.data.clone()


CHANGES: list[Callable[[nn.Module], object]] = [
    optimised,
    merged,
    replaced,
    lambda model: model.load_state_dict({k: v + 1 for k, v in model.state_dict().items()}),
    lambda model: model[1].running_mean.add_(1.0),  # type: ignore[index]
]


def test_the_state_stays_as_long_as_the_weights_do() -> None:
    model = net().eval()
    before = state_of(model)
    model(torch.ones(4, 5))
    assert state_of(model) == before


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_another_state(change: Callable[[nn.Module], object]) -> None:
    model = net()
    before = state_of(model)
    change(model)
    assert state_of(model) != before


def test_weights_that_are_nowhere_and_empty_ones_have_a_state() -> None:
    model = nn.ModuleList([nn.Linear(2, 2, device="meta"), nn.Embedding(0, 3)])
    assert state_of(model) == state_of(model)
