"""The network that a run began with is found again, to the last bit, or said not to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from leanfair.pruning.checkpoint.parent import FILE, parent_of
from tests.support.nets import resnet, same, samples, tiny
from tests.support.tiny_text import llama

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2}
IMAGES = [samples(16).tensors[0]]
TOKENS = [{"input_ids": torch.arange(32).view(2, 16)}]


def test_the_weights_are_kept_where_they_stand_nowhere_else(tmp_path: Path) -> None:
    leanfair.prune(tiny(), calibration=samples(16), out=tmp_path, **QUICK)
    assert same(parent_of(tmp_path), tiny())


def test_a_model_of_transformers_in_memory_is_kept(tmp_path: Path) -> None:
    leanfair.prune(llama(), calibration=TOKENS, out=tmp_path, **QUICK)
    found = parent_of(tmp_path)
    inputs = TOKENS[0]["input_ids"]
    assert torch.equal(found(inputs).logits, llama()(inputs).logits)


def test_one_that_stands_in_a_folder_is_read_from_there(tmp_path: Path) -> None:
    resnet().save_pretrained(tmp_path / "parent")  # type: ignore[operator]
    model = leanfair.pruning.checkpoint.open_model(str(tmp_path / "parent"))
    leanfair.prune(model, calibration=IMAGES, out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run" / FILE).exists()
    assert same(parent_of(tmp_path / "run"), resnet())


def test_another_network_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    resnet().save_pretrained(tmp_path / "parent")  # type: ignore[operator]
    model = leanfair.pruning.checkpoint.open_model(str(tmp_path / "parent"))
    with torch.no_grad():
        next(model.parameters()).add_(1)
    leanfair.prune(model, calibration=IMAGES, out=tmp_path / "run", **QUICK)
    with pytest.raises(InputError, match="is not to be found there: name it, too"):
        parent_of(tmp_path / "run")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    leanfair.prune(tiny(), calibration=samples(16), out=tmp_path, **QUICK)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(RunDirectoryError, match="not what leanfair wrote"):
        parent_of(tmp_path)
