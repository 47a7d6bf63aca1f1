"""A streamed model is written as transformers writes its models, in shards that are read back."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanfair.errors import RunDirectoryError
from leanfair.files import writing
from leanfair.models.shelf import INDEX
from leanfair.models.streamed import shelf_of, streamed
from leanfair.pruning.checkpoint import shards
from leanfair.pruning.checkpoint.weights import read_model, write_model
from tests.support.shelves import ids, saved


@pytest.mark.parametrize("kind", ["tied", "gemma"])
def test_stock_transformers_opens_what_is_written(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = saved(tmp_path / "in", kind, torch.bfloat16)
    monkeypatch.setattr(shards, "SHARD", 2500)
    model = streamed(tmp_path / "in")
    write_model(tmp_path / "out", model)
    files = sorted(path.name for path in (tmp_path / "out").glob("*.safetensors"))
    assert len(files) > 4
    index = json.loads((tmp_path / "out" / INDEX).read_text())
    assert set(index["weight_map"].values()) == set(files)
    assert index["metadata"]["total_size"] == sum(v.nbytes for v in whole.parameters())
    stock: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert stock.dtype == torch.bfloat16
    assert stock.config.to_dict().keys() == whole.config.to_dict().keys()
    names = dict(whole.named_parameters())
    assert all(torch.equal(value, names[name]) for name, value in stock.named_parameters())
    again = read_model(tmp_path / "out", model)
    assert shelf_of(again) is not None
    assert torch.equal(again(ids()).logits, whole(ids()).logits)


def test_a_small_one_is_one_file(tmp_path: Path) -> None:
    saved(tmp_path / "in")
    write_model(tmp_path / "out", streamed(tmp_path / "in"))
    assert [path.name for path in (tmp_path / "out").glob("model*")] == ["model.safetensors"]


def test_a_disk_that_changes_what_is_written_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "in")
    model = streamed(tmp_path / "in")
    real = shards.write_bytes

    def flips(path: Path, content: Any) -> Path:
        real(path, content)
        data = bytearray(path.read_bytes())
        data[-3] ^= 1
        path.write_bytes(data)
        return path

    monkeypatch.setattr(shards, "write_bytes", flips)
    with pytest.raises(RunDirectoryError, match="does not hold what was written"):
        write_model(tmp_path / "out", model)
    assert not list((tmp_path / "out").glob("*"))


def test_a_full_disk_leaves_nothing_half_and_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "in")
    model = streamed(tmp_path / "in")
    monkeypatch.setattr(shards, "SHARD", 2500)
    write_model(tmp_path / "out", model)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    real, left = writing.os.fsync, [3]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(RunDirectoryError, match="disk is full"):
        write_model(tmp_path / "out", model)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
