"""Tensors are written one after the other, as safetensors itself would have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from leanfair.errors import InputError, RunDirectoryError
from leanfair.files.tensors import Later, TensorFile, read_tensors, size_of, write_tensors
from leanfair.files.writing import content_hash, file_hash

KINDS = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip


def mixed() -> dict[str, torch.Tensor]:
    made = {f"{i}.{kind}": torch.arange(7).to(kind) for i, kind in enumerate(KINDS)}
    return {**made, 'é \n " name': torch.eye(3), "none": torch.zeros(0, 2), "one": torch.tensor(2)}


def test_the_bytes_are_those_of_safetensors() -> None:
    tensors = {"b": torch.randn(3, 5), "a": torch.arange(4), "c": torch.ones(2).bfloat16()}
    assert b"".join(TensorFile(tensors).chunks()) == save(tensors)


def test_every_type_comes_back_and_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "a.safetensors", mixed())
    back = read_tensors(path)
    assert set(back) == set(mixed())
    assert all(torch.equal(back[k], v) and back[k].dtype == v.dtype for k, v in mixed().items())
    assert content_hash(TensorFile(mixed())) == file_hash(path)


def test_a_tensor_is_read_only_when_it_is_its_turn(tmp_path: Path) -> None:
    held: list[str] = []

    def later(name: str) -> Later:
        def load() -> torch.Tensor:
            held.append(name)
            return torch.full((2, 3), 7.0)

        return Later((2, 3), torch.float32, load)

    pieces = TensorFile({name: later(name) for name in "ab"}).chunks()
    next(pieces)
    assert held == []
    next(pieces)
    assert held == ["a"]
    path = write_tensors(tmp_path / "x", {"a": later("a")})
    assert torch.equal(read_tensors(path)["a"], torch.full((2, 3), 7.0))
    assert size_of(later("a")) == 24


def test_what_changed_since_or_has_no_type_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    other = Later((2, 3), torch.float32, lambda: torch.zeros(3, 3))
    with pytest.raises(InputError, match="was changed meanwhile"):
        write_tensors(tmp_path / "x", {"a": other})
    with pytest.raises(InputError, match="complex128"):
        write_tensors(tmp_path / "x", {"a": torch.zeros(2, dtype=torch.complex128)})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RunDirectoryError, match="There is no file"):
        read_tensors(tmp_path / "x")


def test_metadata_are_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(
        b"".join(TensorFile({"a": torch.ones(1)}, {"format": "pt"}).chunks())
    )
    with safe_open(tmp_path / "x", "pt") as read:
        assert read.metadata() == {"format": "pt"}
