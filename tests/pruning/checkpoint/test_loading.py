"""Opening a network by name, and building its architecture anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.errors import InputError
from leanfair.files import write_tensors
from leanfair.models.origin import title_of
from leanfair.models.pretrained import open_tokenizer
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.nets import resnet, same
from tests.support.tiny_text import llama, tokenizer


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "net.pth"])
def test_a_file_of_weights_opens_as_the_network_it_is_of(
    name: str, shortcut: Any, tmp_path: Path
) -> None:
    model = CifarResNet(20, classes=7, shortcut=shortcut, channels=1)
    if name.endswith(".safetensors"):
        write_tensors(tmp_path / name, model.state_dict())
    else:
        renamed = {f"module.{key}": value for key, value in model.state_dict().items()}
        torch.save({"state_dict": renamed}, tmp_path / name)
    assert same(open_model(str(tmp_path / name)), model)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save(CifarResNet(8), tmp_path / "whole.pt")
    with pytest.raises(InputError, match="safetensors"):
        open_model(str(tmp_path / "whole.pt"))


@pytest.mark.parametrize("layer_type", ["basic", "bottleneck"])
def test_a_transformers_folder_opens(layer_type: str, tmp_path: Path) -> None:
    model = resnet(layer_type)
    model.save_pretrained(tmp_path / "folder")
    assert same(open_model(str(tmp_path / "folder")), model)


@pytest.mark.parametrize("name", ["none.safetensors", "a/b/c.pt", "resnet999-of-nobody"])
def test_what_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=name):
        open_model(name)


def test_folders_and_files_of_something_else_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model"):
        open_model(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "resnet"}))
    with pytest.raises(InputError, match=str(tmp_path)):
        open_model(str(tmp_path))
    (tmp_path / "net.safetensors").write_bytes(b"nonsense")
    with pytest.raises(OSError, match=r"net\.safetensors"):
        open_model(str(tmp_path / "net.safetensors"))
    (tmp_path / "net.txt").write_text("nonsense")
    with pytest.raises(InputError, match=r"net\.txt"):
        open_model(str(tmp_path / "net.txt"))
    write_tensors(tmp_path / "other.safetensors", {"a.weight": torch.zeros(2)})
    with pytest.raises(InputError, match="CIFAR ResNet"):
        open_model(str(tmp_path / "other.safetensors"))


def test_a_gguf_file_opens_as_its_language_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leanfair.models import gguf as gguf_files

    model = llama()

    def converting(path: Path, into: Path) -> None:
        model.save_pretrained(into)
        tokenizer().save_pretrained(into)

    monkeypatch.setenv("LEANFAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf_files, "_convert", converting)
    (tmp_path / "small.gguf").write_bytes(b"content")
    found = open_model(str(tmp_path / "small.gguf"))
    assert same(found, model)
    assert title_of(found) == "small"
    assert len(open_tokenizer(str(tmp_path / "small.gguf"))) == len(tokenizer())
    with pytest.raises(InputError, match=r"none\.gguf"):
        open_model("none.gguf")
