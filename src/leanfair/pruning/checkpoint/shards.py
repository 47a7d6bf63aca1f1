"""A streamed model written to safetensors, tensor by tensor, as transformers writes its models: in
shards with an index, or in one file where that is small. Each file is read back when it is
written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from leanfair.errors import InputError, RunDirectoryError
from leanfair.files import TensorFile, file_hash, write_bytes
from leanfair.files.tensors import Held, Later, size_of
from leanfair.files.writing import content_hash
from leanfair.models.shelf import INDEX, SINGLE, Shelf, index_of

SHARD = 2 * 10**9
"""Bytes of a shard, at most, unless one tensor is larger."""


def write_pretrained(folder: Path, model: Any, shelf: Shelf) -> None:
    """Write a streamed `model` into `folder`, so that transformers opens it there. Raises
    RunDirectoryError where what is on disk afterwards is not what was written."""
    config = model.config
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    if getattr(model, "generation_config", None) is not None and model.can_generate():
        model.generation_config.save_pretrained(folder)
    shards = list(_shards(held_of(model, shelf)))
    names = {
        name: SINGLE if len(shards) == 1 else f"model-{i:05}-of-{len(shards):05}.safetensors"
        for i, shard in enumerate(shards, start=1)
        for name in shard
    }
    for shard in shards:
        write_checked(folder / names[next(iter(shard))], shard)
    if len(shards) > 1:
        total = sum(size_of(held) for shard in shards for held in shard.values())
        write_bytes(folder / INDEX, index_of(names, total))


def write_checked(file: Path, tensors: Mapping[str, Held]) -> None:
    """Write named tensors, and read them back."""
    content = TensorFile(tensors, {"format": "pt"})
    write_bytes(file, content)
    if file_hash(file) != content_hash(content):
        raise RunDirectoryError(
            f"{file} does not hold what was written to it: look after the disk, then resume."
        )


def held_of(model: nn.Module, shelf: Shelf) -> dict[str, Held]:
    """The tensors that a model saves, each once, to be read when it is their turn."""
    buffers = {name for name, _ in model.named_buffers()} & model.state_dict().keys()
    if buffers:
        raise InputError(f"{sorted(buffers)[0]} is a buffer, which no shelf holds.")
    found: dict[str, Held] = {}
    for name, value in model.named_parameters():
        entry = shelf.entries[name]
        if entry.shape != tuple(value.shape):
            raise RunDirectoryError(
                f"{name} is {list(value.shape)}, but {list(entry.shape)} would be written."
            )
        found[name] = Later(entry.shape, entry.dtype, entry.load)
    return found


def _shards(tensors: Mapping[str, Held]) -> Iterator[dict[str, Held]]:
    """The tensors in portions of at most `SHARD` bytes, in order."""
    shard: dict[str, Held] = {}
    held = 0
    for name, value in tensors.items():
        if shard and held + size_of(value) > SHARD:
            yield shard
            shard, held = {}, 0
        shard[name] = value
        held += size_of(value)
    yield shard
