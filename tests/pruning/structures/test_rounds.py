"""Round after round: `prune` goes on, whatever is left, until the target or the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.errors import InputError
from leanfair.pruning.structures.dissect import anatomy_of
from tests.support.marks import mostly_real
from tests.support.zoo import CASES, PROOF, images, randomised

QUICK: dict[str, Any] = {
    "candidate_epochs": 0, "round_epochs": 0, "final_epochs": 0, "latency_batches": (),
    "min_layers": 1, "pace": 0.3,
}  # fmt: skip

DEEP = {
    "stages": 0.85, "inverted, gated": 0.9, "grouped": 0.5, "halves that gate": 0.8,
    "convnext": 0.6, "attention": 0.6, "group-norm": 0.5, "dense": 0.8, "plain": 0.85,
    "by number": 0.6, "as children": 0.8, "u-net": 0.8, "looped": 0.6,
}  # fmt: skip


@pytest.mark.parametrize("name", mostly_real(DEEP, sorted(DEEP)[::2]))
@pytest.mark.parametrize("criterion", mostly_real(["l1", "fisher"], ["fisher"]))
def test_a_deep_cut_is_reached_and_loads_again(name: str, criterion: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomised(CASES[name].make())
    run = leanfair.prune(
        model, calibration=[images(8)], cut=DEEP[name], criterion=criterion, out=tmp_path, **QUICK
    )
    assert run.summary["removed"] >= DEEP[name]
    loaded = leanfair.load(tmp_path, model=randomised(CASES[name].make()))
    with torch.no_grad():
        assert torch.equal(loaded(images()), run.model.eval()(images()))


@pytest.mark.parametrize("name", ["group-norm", "halves that gate", "plain", "stages"])
def test_the_floor_is_where_nothing_is_left(name: str) -> None:
    torch.manual_seed(0)
    model = randomised(CASES[name].make())
    with pytest.raises(InputError, match="at most") as error:
        leanfair.prune(model, calibration=[images(8)], cut=0.999, criterion="l1", **QUICK)
    most = float(str(error.value).split("at most ")[1].split("%")[0]) / 100
    run = leanfair.prune(model, calibration=[images(8)], cut=most, criterion="l1", **QUICK)
    assert run.summary["removed"] >= most
    left = anatomy_of(run.model, PROOF)
    firsts = {stage[0] for stage in left.stages}
    assert all(layer.name in firsts for layer in left.layers)
    assert not left.neurons
