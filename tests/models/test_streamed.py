"""A model that is read block by block is the same model, and holds one block at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.errors import InputError, UnsupportedModelError
from leanfair.files import write_tensors
from leanfair.models.origin import fingerprint
from leanfair.models.streamed import attach, blocks_of, resident, shelf_of, streamed
from leanfair.pruning.surgery.copies import shared_copy
from tests.support.shelves import MAKERS, ids, saved


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_its_outputs_are_those_of_the_model_that_is_opened_whole(
    kind: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    whole = saved(tmp_path, kind, dtype)
    model: Any = streamed(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 4  # blocks lie across several
    with torch.no_grad():
        assert torch.equal(model(ids()).logits, whole(ids()).logits)
    assert {v.dtype for v in model.parameters()} == {dtype}
    assert fingerprint(model) == fingerprint(whole)
    assert model.generation_config.to_dict() == whole.generation_config.to_dict()


def test_one_block_is_in_memory_at_a_time_and_none_afterwards_or_after_an_error(
    tmp_path: Path,
) -> None:
    saved(tmp_path)
    model: Any = streamed(tmp_path)
    blocks = [model.get_submodule(name) for name in blocks_of(model)]

    def held() -> int:
        return sum(any(not v.is_meta for v in block.parameters()) for block in blocks)

    seen: list[int] = []
    for block in blocks:
        block.mlp.register_forward_pre_hook(lambda module, args: seen.append(held()))
    assert held() == 0
    model(ids())
    assert (seen, held()) == ([1] * 4, 0)

    def fails(module: nn.Module, args: Any) -> None:
        raise KeyboardInterrupt

    handle = blocks[2].mlp.register_forward_pre_hook(fails)
    with pytest.raises(KeyboardInterrupt):
        model(ids())
    handle.remove()
    with torch.no_grad():
        model(ids())
    assert held() == 0


def test_a_module_can_be_looked_at_and_a_copy_reads_the_same_files(tmp_path: Path) -> None:
    whole = saved(tmp_path)
    model = streamed(tmp_path)
    with resident(model, "model.layers.2.mlp.up_proj") as module:
        assert torch.equal(module.weight, whole.model.layers[2].mlp.up_proj.weight)
    assert module.weight.is_meta
    child: Any = shared_copy(model)
    assert shelf_of(child) is shelf_of(model)
    assert torch.equal(child(ids()).logits, whole(ids()).logits)
    shelf = shelf_of(model)
    assert shelf is not None
    name = "model.layers.1.mlp.down_proj.weight"
    attach(child, shelf.adapt({name: torch.zeros(16, 24)}))
    assert not torch.equal(child(ids()).logits, whole(ids()).logits)
    assert torch.equal(model(ids()).logits, whole(ids()).logits)


@pytest.mark.parametrize(
    "asked", ["cpu", torch.device("cpu"), "auto", {"": "disk"}, {"": "cpu"},
              {"model.layers.1": "cpu", "model": "disk", "lm_head": "cpu"}],
)  # fmt: skip
def test_devices_are_as_asked(asked: Any, tmp_path: Path) -> None:
    whole = saved(tmp_path)
    assert torch.equal(streamed(tmp_path, asked)(ids()).logits, whole(ids()).logits)


@pytest.mark.parametrize("asked", ["nowhere", {"": 0, "lm_head": 1}])
def test_devices_that_there_are_not_or_too_many_are_told(asked: Any, tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(InputError, match="device_map"):
        streamed(tmp_path, asked)


def _config(folder: Path, **more: Any) -> None:
    data = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**data, **more}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "no folder of a model"),
        (lambda f: _config(f, quantization_config={"quant_method": "x"}), "is quantised"),
        (lambda f: _config(f, architectures=["NoSuchModel"]), "does not know"),
        (lambda f: _config(f, intermediate_size=32), "but its configuration says"),
        (lambda f: _config(f, num_hidden_layers=5), "lacks model.layers.4"),
        (lambda f: write_tensors(f / "model.safetensors", {"x.y": torch.ones(1)}), "another name"),
    ],
)  # fmt: skip
def test_what_is_no_such_folder_is_told_before_anything_is_read(
    harm: Any, message: str, tmp_path: Path
) -> None:
    saved(tmp_path, shard="1GB")
    harm(tmp_path)
    with pytest.raises(InputError, match=message):
        streamed(tmp_path)


def test_a_network_without_a_list_of_blocks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path)
    monkeypatch.setattr("leanfair.models.streamed.blocks_of", lambda model: [])
    with pytest.raises(UnsupportedModelError, match="has no list of blocks"):
        streamed(tmp_path)
