"""A shelf finds each tensor in its file, and what a cut leaves of it."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
import torch

from leanfair.errors import InputError, RunDirectoryError
from leanfair.files import write_tensors
from leanfair.models.shelf import INDEX, SCRATCH, Shelf, index_of, stored


def folder(place: Path) -> dict[str, torch.Tensor]:
    tensors = {
        "a": torch.randn(6, 4),
        "b": torch.randn(5).bfloat16(),
        "c": torch.randn(2, 2).half(),
    }
    write_tensors(place / "one.safetensors", {"a": tensors["a"]})
    write_tensors(place / "two.safetensors", {"b": tensors["b"], "c": tensors["c"]})
    places = {"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}
    (place / INDEX).write_bytes(index_of(places, 99))
    return tensors


def test_shards_are_read_by_their_index_and_a_single_file_without(tmp_path: Path) -> None:
    tensors = folder(tmp_path)
    assert json.loads((tmp_path / INDEX).read_text())["metadata"] == {"total_size": 99}
    found = stored(tmp_path)
    assert all(torch.equal(found[name].load(), value) for name, value in tensors.items())
    assert {n: (e.shape, e.dtype) for n, e in found.items()} == {
        n: (tuple(v.shape), v.dtype) for n, v in tensors.items()
    }
    (tmp_path / "single").mkdir()
    write_tensors(tmp_path / "single" / "model.safetensors", tensors)
    assert torch.equal(stored(tmp_path / "single")["a"].load(), tensors["a"])


def test_what_stays_is_taken_out_of_the_file_cut_after_cut(tmp_path: Path) -> None:
    value = folder(tmp_path)["a"]
    entry = stored(tmp_path)["a"].without(0, torch.tensor([1, 4])).without(1, torch.tensor([0]))
    again = entry.without(0, torch.tensor([3]))
    assert entry.shape == (4, 3)
    assert torch.equal(again.load(), value[[0, 2, 3, 5]][:, 1:][:3])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "two.safetensors").unlink(), "There is no file .*two.safetensors"),
        (lambda f: (f / "two.safetensors").write_bytes(b"x" * 99), "cannot be read"),
        (lambda f: (f / INDEX).write_text('{"weight_map": {"a": "../one.safetensors"}}'), "which"),
        (lambda f: (f / INDEX).write_text('{"weight_map": 3}'), "which file each tensor is in"),
        (lambda f: (f / INDEX).write_bytes(index_of({"z": "one.safetensors"}, 1)), "lacks z"),
        (lambda f: [(f / n).unlink() for n in (INDEX, "one.safetensors")], "holds no weights"),
        (
            lambda f: write_tensors(f / "two.safetensors", {
                "b": torch.ones(2, dtype=torch.int8), "c": torch.ones(1)}),
            "no plain number",
        ),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_whole_is_told(harm, message: str, tmp_path: Path) -> None:
    folder(tmp_path)
    harm(tmp_path)
    with pytest.raises(InputError, match=message):
        stored(tmp_path)


def test_a_file_that_goes_or_changes_meanwhile_is_told(tmp_path: Path) -> None:
    folder(tmp_path)
    entry = stored(tmp_path)["a"]
    write_tensors(tmp_path / "one.safetensors", {"a": torch.zeros(2, 2)})
    with pytest.raises(RunDirectoryError, match="changed meanwhile"):
        entry.load()
    (tmp_path / "one.safetensors").unlink()
    with pytest.raises(RunDirectoryError, match="can no longer be read"):
        entry.load()


def test_what_is_adapted_is_on_disk_as_long_as_it_is_needed(tmp_path: Path) -> None:
    folder(tmp_path)
    first = Shelf(stored(tmp_path), tmp_path)
    second = first.adapt({"a": torch.ones(6, 4)})
    third = second.mapped(lambda name, entry: (f"x.{name}", entry.without(0, torch.tensor([0]))))
    assert not first.adapted()
    assert list(second.adapted()) == ["a"]
    del second
    gc.collect()
    assert torch.equal(third.load("x.a"), torch.ones(5, 4))
    assert len(list(tmp_path.glob(f"{SCRATCH}*"))) == 1
    del third
    gc.collect()
    assert not list(tmp_path.glob(f"{SCRATCH}*"))
