"""run.json: the same JSON as ever, which older runs are resumed by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

import leanfair
from leanfair.data.batches import Batch
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.run.record import record_of, size_of
from leanfair.pruning.settings import Settings
from tests.support.nets import batches_of, samples, tiny

DATA = samples(24, seed=1)


def test_it_holds_the_keys_that_it_always_had() -> None:
    model, held = tiny(), [Batch(*DATA.tensors)]
    cost = cost_of(model, held[0])
    found = record_of(model, cost, held, Settings(cut=0.5), DATA, None).to_json()
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["format", "model", "data", "settings", "fine_tune", "choose"]
    assert list(found["model"]) == [
        "name", "title", "fingerprint", "origin", "macs", "params", "filters",
    ]  # fmt: skip
    assert found["model"]["title"] == "ResNet-14"
    assert found["model"]["macs"] == cost.macs
    for name in ("fingerprint", "labels", "train_inputs", "train_labels"):
        assert len(found["data"].pop(name)) == 16
    assert found["data"].pop("test_inputs") is found["data"].pop("test_labels") is None
    assert found["data"] == {"calibration": 24, "train": 24, "test": None, "input": [1, 8, 8]}


def test_it_is_what_stands_in_run_json_and_in_the_summary(tmp_path: Path) -> None:
    given = {"cut": 0.2, "criterion": "l1", "latency_batches": ()}
    run = leanfair.prune(tiny(), calibration=DATA, out=tmp_path, **given)
    written = json.loads((tmp_path / "run.json").read_text())
    assert {name: run.summary[name] for name in written} == written


@pytest.mark.parametrize(
    "source",
    [DATA, DataLoader(DATA, batch_size=5), batches_of(DATA, 7), DATA.tensors[0]],
    ids=["a dataset", "a loader", "a list", "a tensor"],
)
def test_the_samples_of_any_source_are_counted(source: object) -> None:
    assert size_of(source) == 24
