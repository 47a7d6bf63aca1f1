"""What is given is checked before a run begins, and a network that remembers is copied anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import leanfair
from leanfair.errors import InputError
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.setup import open_run, set_up
from tests.support.nets import samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": ()}
DATA = samples(24, seed=1)


def test_a_floor_of_accuracy_needs_labels(tmp_path: Path) -> None:
    images = DATA.tensors[0]
    with pytest.raises(InputError, match=r"min_accuracy .*labels.*\(inputs, labels\)"):
        leanfair.prune(
            tiny(), calibration=images, cut=0.3, min_accuracy=0.5, out=tmp_path / "run", **QUICK
        )
    assert not (tmp_path / "run").exists()


class Remembers(CifarResNet):
    """Adds a thousandth of what it saw before, were it a NaN."""

    before: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        if self.before is None and bool(logits.isnan().any()):
            self.before = logits[:1]
        return logits if self.before is None else logits + 0.001 * self.before


def test_a_network_that_remembers_what_it_was_tried_out_with_is_copied_anew() -> None:
    torch.manual_seed(0)
    model = Remembers(14, classes=4, channels=1).eval()
    settings = settings_from(None, {"cut": 0.3, **QUICK}, model)
    task = set_up(model, settings, DATA, None, None, RunDirectory(None), None, None)
    assert bool(torch.isfinite(task.base.model(DATA.tensors[0])).all())
    assert task.base.model.before is None
    assert model.before is None


def test_the_first_network_is_the_model_with_parameters_of_its_own_in_the_same_memory() -> None:
    model = tiny()
    settings = settings_from(None, {"cut": 0.3, **QUICK}, model)
    run = open_run(model, settings, DATA, None, None, RunDirectory(None), False, None, None)
    assert run.parent is run.task.base
    mine = dict(model.named_parameters())
    for name, value in run.task.base.model.named_parameters():
        assert torch.equal(value, mine[name])
        assert value is not mine[name]
        assert value.data_ptr() == mine[name].data_ptr()
    held = dict(model.named_buffers())
    for name, value in run.task.base.model.named_buffers():
        assert value.data_ptr() != held[name].data_ptr()  # these may change as a network runs


@pytest.mark.parametrize("train", [None, samples(32, 9)])
def test_the_result_has_memory_of_its_own(train: Any) -> None:
    model = tiny()
    was = [value.clone() for value in model.parameters()]
    held = {value.data_ptr() for value in model.parameters()}
    more = {"round_epochs": 0.5} if train else {}
    run = leanfair.prune(model, calibration=DATA, train=train, cut=0.3, **{**QUICK, **more})
    assert not held & {value.data_ptr() for value in run.model.parameters()}
    assert all(torch.equal(a, b) for a, b in zip(was, model.parameters(), strict=True))


@pytest.mark.parametrize("of", ["macs", "params", "memory"])
def test_one_kind_alone_that_there_is_not_is_refused_at_once(of: str) -> None:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 4)
    ).eval()  # fmt: skip
    with pytest.raises(InputError, match="this network has no layer that may go"):
        leanfair.prune(net, calibration=samples(8), cut=0.3, of=of, only="layer")
