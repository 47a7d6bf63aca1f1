"""Weights are written and read whole, ties among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from leanfair.errors import InputError, RunDirectoryError
from leanfair.pruning.checkpoint.weights import SCRATCH, read_model, write_model
from tests.support import words
from tests.support.nets import same, tiny

MAKERS = [tiny, words.llama, words.gpt2, words.bert, words.vit]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_network_comes_back_to_the_last_bit_ties_included(
    make: Callable[..., nn.Module], tmp_path: Path
) -> None:
    model, other = make(seed=0), make(seed=1)
    assert not same(model, other)
    write_model(tmp_path / "net", model)
    found = read_model(tmp_path / "net", other)
    assert same(found, model)
    assert len({id(p) for p in found.parameters()}) == len({id(p) for p in model.parameters()})
    assert not list((tmp_path / "net").glob(f"{SCRATCH}*"))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "net", tiny(depth=8))
    with pytest.raises(InputError, match=r"does not fit .*net"):
        read_model(tmp_path / "net", tiny(depth=14))


def test_a_place_that_cannot_be_written_is_named_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunDirectoryError, match="file cannot be written"):
        write_model(tmp_path / "file", tiny(depth=8))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_write_that_dies_leaves_the_weights_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny(depth=8)
    write_model(tmp_path, model)

    def dies(path: Path, tensors: dict[str, torch.Tensor]) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("leanfair.pruning.checkpoint.weights.write_tensors", dies)
    with pytest.raises(KeyboardInterrupt):
        write_model(tmp_path, tiny(depth=8, seed=1))
    assert same(read_model(tmp_path, tiny(depth=8, seed=2)), model)
    assert not list(tmp_path.glob(f"{SCRATCH}*"))
