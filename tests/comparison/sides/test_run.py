"""The two networks of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.comparison.opening import open_pair
from leanfair.errors import InputError
from leanfair.pruning.run.result import Pruned
from tests.support.nets import same, samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2}


def pruned(out: Path | None = None) -> Pruned:
    return leanfair.prune(tiny(), calibration=samples(16), out=out, **QUICK)


def test_a_directory_gives_both(tmp_path: Path) -> None:
    run = pruned(tmp_path)
    pair = open_pair(tmp_path)
    assert same(pair.parent.model, tiny())
    assert same(pair.child.model, run.model)
    assert (pair.run, pair.parent.name, pair.child.name) == (
        tmp_path, "ResNet-14", "Pruned ResNet-14",
    )  # fmt: skip


def test_a_run_in_memory_gives_both() -> None:
    run = pruned()
    pair = open_pair(run)
    assert pair.parent.model is run.parent
    assert pair.child.model is run.model


def test_a_parent_that_was_changed_since_is_refused() -> None:
    run = pruned()
    assert run.parent is not None
    with torch.no_grad():
        next(run.parent.parameters()).add_(1)
    with pytest.raises(InputError, match="was changed since"):
        open_pair(run)


def test_a_run_beside_another_network_is_not_the_whole_run(tmp_path: Path) -> None:
    pruned(tmp_path)
    assert open_pair(tiny(), tmp_path).run == tmp_path
    assert open_pair(tiny(seed=1), tmp_path).run is None


class Own(torch.nn.Module):
    """A class that leanfair cannot build."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tiny()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)


def test_a_run_of_an_own_class_is_opened_with_its_parent(tmp_path: Path) -> None:
    model = Own().eval()
    leanfair.prune(model, calibration=samples(16), out=tmp_path, **QUICK)
    assert open_pair(model, tmp_path, test=samples(8)).run == tmp_path
    with pytest.raises(InputError, match="cannot build"):
        open_pair(tmp_path)


def test_a_model_alone_is_refused() -> None:
    with pytest.raises(InputError, match="one model: name a second one"):
        open_pair(tiny())
