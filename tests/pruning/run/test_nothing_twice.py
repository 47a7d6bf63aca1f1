"""Nothing is found out twice: what a seeded run of ResNet-20 counts, checks, copies and traces."""

from __future__ import annotations

import copy
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leanfair
import leanfair.pruning.loop  # before what it imports is watched
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.structures.supported import check_model, check_outputs, twin_of
from leanfair.pruning.surgery.activations import find_head
from leanfair.pruning.surgery.removal import remove

Calls = dict[str, list[nn.Module]]
"""Function -> the networks that it was called for, held so that no two have one identity."""


class Counted(CifarResNet):
    """A network that notes when it is copied, other than to be cut."""

    copies = 0
    cutting = 0

    def __deepcopy__(self, memo: Any) -> Any:
        Counted.copies += not Counted.cutting
        twin = self.__class__.__new__(self.__class__)
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin


def watch(patch: pytest.MonkeyPatch, function: Callable[..., Any], calls: Calls) -> None:
    """Note every call of `function`, wherever it was imported to."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        calls[function.__name__].append(next(a for a in args if isinstance(a, nn.Module)))
        Counted.cutting += function is remove
        try:
            return function(*args, **kwargs)
        finally:
            Counted.cutting -= function is remove

    for name, module in list(sys.modules.items()):
        if name.startswith("leanfair.") and vars(module).get(function.__name__) is function:
            patch.setattr(module, function.__name__, noted)


@pytest.mark.parametrize(
    ("criterion", "cut", "rounds"), [("fisher", 0.4, 5), ("kl", 0.1, 1), ("cka", 0.1, 1)]
)
def test_each_network_is_asked_at_most_once(
    criterion: str, cut: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Calls = defaultdict(list)
    for function in (check_model, twin_of, trace, check_outputs, find_head, cost_of, remove):
        watch(monkeypatch, function, calls)
    monkeypatch.setattr(Counted, "copies", 0)
    torch.manual_seed(0)
    model = Counted(20, classes=10, channels=3).eval()
    images: Tensor = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    run = leanfair.prune(
        model, calibration=[images], cut=cut, criterion=criterion, score_samples=2,
        latency_batches=(), min_layers=1,
    )  # fmt: skip
    count = {name: len(of) for name, of in calls.items()}
    assert len(run.steps) == rounds
    assert count["check_model"] == count["twin_of"] == count["trace"] == Counted.copies == 1
    assert count["check_outputs"] == 1
    assert "find_head" not in count  # it is seen while outputs are checked
    assert count["cost_of"] == 1 + rounds
    assert len({id(network) for network in calls["cost_of"]}) == count["cost_of"]
