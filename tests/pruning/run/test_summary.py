"""summary.json tells the networks before and after, by their original names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

import leanfair
from leanfair.data.batches import Batch
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.run.summary import original_names
from leanfair.pruning.types import Cut, Layer
from tests.support.nets import samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (1,), "cut": 0.4}
DATA = samples(24, seed=1)


def test_it_tells_what_the_networks_cost_and_what_stands_in_the_directory(tmp_path: Path) -> None:
    model = tiny(depth=20)
    run = leanfair.prune(model, calibration=DATA, test=samples(9), out=tmp_path, **QUICK)
    found, one = run.summary, Batch(DATA.tensors[0][:1])
    old, new = cost_of(model, one), cost_of(run.model, one)
    assert found["macs"] == {"before": old.macs, "after": new.macs}
    assert found["params"] == {"before": old.params, "after": new.params}
    assert found["cost"] == {"before": old.macs, "after": run.steps[-1].cost}
    assert found["accuracy_change"]["samples"] == 9
    assert set(found["latency"]["before"]) == {"1"}
    assert json.loads((tmp_path / "summary.json").read_text()) == found


def test_a_finished_run_is_not_measured_again(tmp_path: Path) -> None:
    first = leanfair.prune(tiny(), calibration=DATA, out=tmp_path, **QUICK)
    again = leanfair.prune(tiny(), calibration=DATA, out=tmp_path, resume=True, **QUICK)
    assert again.summary == first.summary
    for name, value in first.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value)


def test_blocks_have_the_names_that_they_began_with() -> None:
    base = nn.ModuleDict(
        {
            "a": nn.Sequential(*(nn.Identity() for _ in range(4))),
            "b": nn.ModuleDict({key: nn.Identity() for key in ("stem", "1", "2")}),
        }
    )
    cuts = [
        Cut("layer", layers=(Layer("a.1", "a", ()), Layer("b.1", "b", ()))),
        Cut("layer", layers=(Layer("a.1", "a", ()),)),
    ]
    assert original_names(base, cuts) == {
        "a.0": "a.0", "a.1": "a.3", "b.stem": "b.stem", "b.2": "b.2",
    }  # fmt: skip


def test_a_last_block_that_goes_far_beyond_the_target_is_noted() -> None:
    given = {"criterion": "l1", "latency_batches": (), "only": "layer"}
    far = leanfair.prune(tiny(20), calibration=samples(16), cut=0.02, **given).summary
    assert far["notes"] is not None
    (note,) = far["notes"]
    assert f"from 0.0% to {far['removed']:.1%} removed" in note
    near = leanfair.prune(tiny(20), calibration=samples(16), cut=far["removed"] - 1e-6, **given)
    assert near.summary["notes"] == []
